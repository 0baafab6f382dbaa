package lab_test

import (
	"bytes"
	"encoding/csv"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/exact"
)

// The orders that the papers claim, and those of distributions that were found:
// dpmpp_3m_sde starts with steps of low order, and is of second order as a whole.
func TestOrders(t *testing.T) {
	for _, p := range lab.Problems() {
		want := map[string]float64{"euler": 1, "heun": 2, "dpm_2": 2, "dpmpp_2m": 2, "res_multistep": 2, "uni_pc": 3, "uni_pc_bh2": 3, "plms": 2, "deis": 2, "exp_rk4": 4}
		if p.Name == "gaussian" {
			maps.Copy(want, map[string]float64{"euler_a": 1, "dpm_2_a": 2, "dpmpp_2s_a": 2, "dpmpp_sde": 1, "dpmpp_2m_sde": 2, "dpmpp_2m_sde_heun": 2, "dpmpp_3m_sde": 2, "sa_solver": 2, "restart": 2})
		}
		curves, err := lab.Converge(t.Context(), samplers(t), p, []int{64, 128, 256, 512})
		require.NoError(t, err)
		measured := 0
		for _, c := range curves {
			if order, ok := want[c.Sampler]; ok {
				require.InDelta(t, order, exact.Order(c.Points), 0.12, "%s on %s", c.Sampler, p.Name)
				measured++
			}
		}
		require.Equal(t, len(want), measured)
	}
}

func samplers(t *testing.T) []sched.Sampler {
	var all []sched.Sampler
	for _, name := range sched.SamplerNames() {
		s, err := sched.SamplerNamed(name)
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func TestConvergeWithNoise(t *testing.T) {
	all := named(t, "heun", "euler_a", "dpmpp_2m_sde")
	for _, p := range lab.Problems() {
		curves, err := lab.Converge(t.Context(), all, p, []int{4, 8})
		require.NoError(t, err)
		require.False(t, curves[0].Weak)
		if p.Name == "mixture" { // whose distributions have more than a mean and a deviation
			require.Len(t, curves, 1)
			continue
		}
		require.Len(t, curves, 3)
		require.True(t, curves[1].Weak && curves[2].Weak)
	}
}

// The tables of the documentation are what is measured.
func TestDocumentedOrders(t *testing.T) {
	text, err := os.ReadFile("../docs/samplers.md")
	require.NoError(t, err)
	_, orders, ok := strings.Cut(string(text), "## Orders")
	require.True(t, ok)
	tables := strings.Split(orders, "| sampler ")[1:]
	require.Len(t, tables, 3)
	for i, p := range []lab.Problem{lab.Problems()[1], lab.Problems()[0], lab.Problems()[0]} {
		rows := 0
		for line := range strings.Lines("| sampler " + tables[i]) {
			cells := strings.Fields(strings.ReplaceAll(line, "|", " "))
			if !strings.HasPrefix(line, "| ") {
				if rows > 0 {
					break
				}
				continue // the rule below the names
			}
			if cells[0] == "sampler" {
				continue
			}
			measure, steps := lab.Converge, []int{16, 32, 64, 128, 256, 512}
			if cells[1] == "motion" {
				measure, steps = lab.ConvergeStrong, steps[:3]
			}
			curves, err := measure(t.Context(), named(t, cells[0]), p, steps)
			require.NoError(t, err)
			order, err := strconv.ParseFloat(cells[2], 64)
			require.NoError(t, err)
			require.InDelta(t, order, exact.Order(curves[0].Points), 0.02, "%s on %s", cells[0], p.Name)
			rows++
		}
		require.Greater(t, rows, 5)
	}
}

func TestFaults(t *testing.T) {
	_, err := lab.ProblemNamed("cauchy")
	require.ErrorContains(t, err, `no problem "cauchy"; there are gaussian, mixture`)
	_, err = lab.Converge(t.Context(), nil, lab.Problems()[0], []int{4})
	require.ErrorContains(t, err, "1 numbers of steps, want at least 2")
	_, err = lab.Converge(t.Context(), samplers(t), lab.Problems()[0], []int{4, 0})
	require.ErrorContains(t, err, "0 steps, want 1 or more")
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, lab.PointsTable([]lab.Curve{{Sampler: "euler", Points: []exact.Point{{Steps: 4, Calls: 4, Error: 0.25}}}}).WriteCSV(&b))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{{"sampler", "error of", "steps", "calls", "error"}, {"euler", "path", "4", "4", "0.25"}}, rows)
}
