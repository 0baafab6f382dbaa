package sched

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/safetensors"
)

// everySampler returns the samplers by name.
func everySampler(t *testing.T) (all []Sampler) {
	for _, name := range SamplerNames() {
		s, err := SamplerNamed(name)
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

// classCase is a loop of one of diffusers' schedulers, of which
// internal/golden/gen/scheduler_class_refs.py keeps all states.
type classCase struct {
	Config             json.RawMessage
	Schedule, Spacing  string
	Dialect, Sampler   string
	Strength           *float64
	Steps, Start, Rows int
	Extra              struct {
		Eta    *float64
		Churn  float64  `json:"s_churn"`
		SNoise *float64 `json:"s_noise"`
	}
	Timesteps, Sigmas []float64
	Scale             float64
	Fails             string

	states [][]float64
}

func (c *classCase) String() string {
	return fmt.Sprintf("%s %s %s %s %s %d from %d %+v", c.Config, c.Dialect, c.Sampler, c.Schedule, c.Spacing, c.Steps, c.Start, c.Extra)
}

const stateSize = 8 // of two pictures

// classCases reads what the scripts wrote: of testdata, or of the folder in
// EASEL_SCHED_STATES, for cases that nobody tuned to.
func classCases(t *testing.T, name string) []classCase {
	dir := cmp.Or(os.Getenv("EASEL_SCHED_STATES"), "testdata")
	f, err := os.Open(filepath.Join(dir, name+".json.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var cases []classCase
	require.NoError(t, json.NewDecoder(z).Decode(&cases))
	file, err := safetensors.Open(filepath.Join(dir, name+".safetensors"))
	require.NoError(t, err)
	defer file.Close()
	tensor, err := file.Tensor("states")
	require.NoError(t, err)
	all := tensor.Float32s()
	for i := range cases {
		for range cases[i].Rows {
			row := make([]float64, stateSize)
			for j := range row {
				row[j] = float64(all[j])
			}
			cases[i].states = append(cases[i].states, row)
			all = all[stateSize:]
		}
	}
	require.Empty(t, all)
	return cases
}

// smallNetwork is that of the script.
func smallNetwork[T Float](_ context.Context, out, in []T, time float64) error {
	const channels = 4
	for i, v := range in {
		x, picture := float64(v), i/channels*channels
		beside := float64(in[picture+(i+channels-1)%channels])
		out[i] = T(0.6*math.Tanh(1.5*x) + 0.25*beside - 0.1*x*x/(1+x*x) + 0.1*math.Cos(time/300))
	}
	return nil
}

// worst runs a case and returns how far a state is from the reference's,
// relative to the state's greatest number, and after which step.
func worst[T Float](c *classCase, s *Schedule, sampler func(context.Context, *Run[T]) error) (off float64, at int, err error) {
	noise, first := NewTorchNoise(5), make([]float32, stateSize)
	noise.Normal(first)
	x := make([]T, stateSize)
	for i, n := range first {
		x[i] = T(float64(n) * s.FirstScale())
		if c.Start > 0 || c.Strength != nil {
			x[i] = T(0.5*s.ImageShare() + float64(n)*s.ImageScale())
		}
	}
	r := NewRun(s, x, 2)
	r.Noise, r.Eta, r.SNoise, r.Churn.Amount = noise, c.Extra.Eta, c.Extra.SNoise, c.Extra.Churn
	r.Denoise = NewDenoise(smallNetwork[T], s.Prediction, s.Time, len(x))
	r.OnStep = func(i int, x, _ []T) error {
		if i >= len(c.states) {
			return nil // where diffusers has no number
		}
		peak, scale := 0.0, s.LatentScale(i)
		if c.Dialect != "" {
			scale = 1 // the states are in the samplers' space
		}
		for _, v := range c.states[i] {
			peak = max(peak, math.Abs(v))
		}
		for j, v := range x {
			if d := math.Abs(float64(v)*scale-c.states[i][j]) / peak; !(d <= off) {
				off, at = d, i
			}
		}
		return nil
	}
	return off, at, sampler(context.Background(), r)
}

func (c *classCase) check(t *testing.T, s *Schedule) {
	if c.Start == 0 {
		require.Len(t, s.Timesteps, len(c.Timesteps), "%s", c)
	}
	for i, want := range c.Timesteps {
		require.InDelta(t, want, s.Timesteps[i], 1e-6*max(1, math.Abs(want)), "%s: timestep %d of %v", c, i, c.Timesteps)
	}
	if len(c.Sigmas) > 0 && c.Start == 0 {
		require.GreaterOrEqual(t, len(c.Sigmas), len(s.Sigmas), "%s", c)
		for i, got := range s.Sigmas {
			bound := 1e-6
			if s.Sigmas[0] > 1000 {
				bound = 3e-6 // torch's square roots are a unit in the last place off, and rescaling enlarges that
			}
			require.InDelta(t, c.Sigmas[i], got, bound*c.Sigmas[i], "%s: sigma %d", c, i)
		}
	}
	class := c.Sampler
	if c.Dialect != "" || class == "" {
		class = string(c.Config)
	}
	bound, inFloat32 := 1e-4, strings.Contains(class, "Euler") || strings.Contains(class, "DPMSolverSDE")
	if !inFloat32 { // there
		off, at, err := worst(c, s, s.Sampler.F64)
		require.NoError(t, err, "%s", c)
		require.Less(t, off, bound, "%s: step %d of %d, float64", c, at, len(c.states))
	}
	off, at, err := worst(c, s, s.Sampler.F32)
	require.NoError(t, err, "%s", c)
	require.Less(t, off, bound, "%s: step %d of %d, float32", c, at, len(c.states))
}

// TestClassStates compares with diffusers, class by class and option by option.
func TestClassStates(t *testing.T) {
	seen := map[string]int{}
	for _, r := range classCases(t, "class_states") {
		var c Config
		require.NoError(t, json.Unmarshal(r.Config, &c))
		t.Run(c.Class, func(t *testing.T) {
			s, err := c.schedule(Overrides{}, r.Steps)
			if r.Fails != "" || refusedHere(&c) {
				return // TestClassFaults says what is refused
			}
			require.NoError(t, err, "%s", &r)
			if r.Start > 0 {
				s = s.after(r.Start)
			}
			require.NoError(t, s.checkStart())
			r.check(t, s)
			seen[c.Class]++
		})
	}
	require.ElementsMatch(t, Classes(), slices.Collect(maps.Keys(seen)))
}

// refusedHere reports what runs in diffusers and is an error here.
func refusedHere(c *Config) bool {
	return c.UseFlow || len(c.TrainedBetas) == 2 || c.TrainedBetas != nil && c.Class == "IPNDMScheduler"
}

// TestNameStates compares names, schedules and spacings with what the classes
// of diffusers make of SDXL's own file.
func TestNameStates(t *testing.T) {
	for _, r := range classCases(t, "name_states") {
		if r.Fails != "" {
			continue
		}
		var said Config
		require.NoError(t, json.Unmarshal(r.Config, &said))
		names := []string{said.Class}
		for _, s := range samplers {
			if as, err := said.as(said.Class, s.beside); s.class == said.Class && err == nil && sameMethod(&as, &said) {
				names = append(names, s.name)
			}
		}
		for _, name := range names {
			if len(said.given) > 1 && name == said.Class {
				continue // the class alone is of its own defaults
			}
			t.Run(name, func(t *testing.T) {
				file := DefaultConfig()
				if said.Class == "DPMSolverSDEScheduler" {
					file.NoiseSamplerSeed = new(int64(7)) // or diffusers takes one of torch's own
				}
				s, err := file.New(Overrides{Sampler: name, Schedule: r.Schedule, Spacing: r.Spacing}, r.Steps)
				require.NoError(t, err, "%s", &r)
				r.check(t, s)
			})
		}
	}
}

// TestClassDefaults compares the table of defaults with the library's own.
func TestClassDefaults(t *testing.T) {
	var theirs map[string]map[string]any
	data, err := os.ReadFile("testdata/class_defaults.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &theirs))
	require.ElementsMatch(t, Classes(), slices.Collect(maps.Keys(theirs)))
	for class, want := range theirs {
		var ours map[string]any
		require.NoError(t, json.Unmarshal([]byte(classDefaults[kindOf(class)]), &ours))
		require.Equal(t, want, ours, class)
		c := defaults(class)
		for name := range want {
			require.Contains(t, configFields(), name, class)
		}
		require.Equal(t, class, c.Class)
	}
}

// TestProgramStates compares with loops of AUTOMATIC1111's web UI and ComfyUI
// by formulas in internal/golden/gen/web_sampler_refs.py.
func TestProgramStates(t *testing.T) {
	for _, r := range classCases(t, "program_states") {
		t.Run(r.Dialect+" "+r.Sampler, func(t *testing.T) {
			o := Overrides{Sampler: r.Sampler, Schedule: r.Schedule, Dialect: r.Dialect}
			s, err := DefaultConfig().New(o, r.Steps)
			if r.Strength != nil {
				s, err = DefaultConfig().NewTail(o, r.Steps, *r.Strength)
			}
			require.NoError(t, err)
			r.check(t, s)
		})
	}
}

// TestFileStates compares classes that start from another class's file.
func TestFileStates(t *testing.T) {
	for _, r := range classCases(t, "file_states") {
		if r.Fails != "" {
			continue
		}
		var c Config
		require.NoError(t, json.Unmarshal(r.Config, &c))
		t.Run(c.Class+" "+r.Sampler, func(t *testing.T) {
			s, err := c.New(Overrides{Sampler: r.Sampler}, r.Steps)
			require.NoError(t, err, "%s", &r)
			r.check(t, s)
		})
	}
}
