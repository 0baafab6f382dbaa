package lab_test

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/exact"
)

// The orders that the papers claim.
func TestOrders(t *testing.T) {
	want := map[string]float64{"euler": 1, "heun": 2, "dpm_2": 2, "dpmpp_2m": 2, "res_multistep": 2, "uni_pc": 3, "uni_pc_bh2": 3}
	for _, p := range lab.Problems() {
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

func TestConvergeLeavesOutNoise(t *testing.T) {
	curves, err := lab.Converge(t.Context(), samplers(t), lab.Problems()[0], []int{4, 8})
	require.NoError(t, err)
	for _, c := range curves {
		require.NotContains(t, c.Sampler, "_a")
		require.NotContains(t, c.Sampler, "sde")
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
	require.NoError(t, lab.PointsTable([]lab.Curve{{"euler", []exact.Point{{Steps: 4, Calls: 4, Error: 0.25}}}}).WriteCSV(&b))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{{"sampler", "steps", "calls", "error"}, {"euler", "4", "4", "0.25"}}, rows)
}
