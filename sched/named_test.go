package sched

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNamedSchedules compares with diffusers, k-diffusion, and the definitions
// of the others in named_schedule_refs.py.
func TestNamedSchedules(t *testing.T) {
	refs := read[[]struct {
		Dialect, Sampler, Schedule, Spacing string
		Steps                               int
		Sigmas, Times                       []float64
		Scale                               float64 // of the first noise; 0 in diffusers
	}](t, "named.json")
	seen := map[string]bool{}
	for _, r := range refs {
		seen[r.Schedule] = true
		name := fmt.Sprintf("%s %s %s %s %d", r.Dialect, r.Sampler, r.Schedule, r.Spacing, r.Steps)
		t.Run(name, func(t *testing.T) {
			s, err := DefaultConfig().New(Overrides{Sampler: r.Sampler, Schedule: r.Schedule, Spacing: r.Spacing, Dialect: r.Dialect}, r.Steps)
			require.NoError(t, err)
			require.Equal(t, r.Schedule, s.Name)
			requireRelative(t, r.Sigmas, s.Sigmas, 1e-6)
			require.Len(t, s.Timesteps, len(s.Sigmas)-1)
			for i, want := range r.Times {
				if l := math.Log(s.Sigmas[i]); r.Dialect == "comfy" {
					// Of two that are as near, the last bit decides.
					require.InDelta(t, math.Abs(s.train.logs[int(want)]-l), math.Abs(s.train.logs[int(s.Timesteps[i])]-l), 5e-7, "time %d", i)
				} else if s.VP || r.Schedule == "lcm" {
					require.InDelta(t, want, s.Timesteps[i], 1e-4, "time %d", i)
				} else {
					require.InDelta(t, want, s.Timesteps[i], 1e-3, "time %d", i) // the last bit of a float32 logarithm
				}
				require.Equal(t, s.Timesteps[i], s.Time(s.Sigmas[i]))
			}
			scale := r.Scale
			if scale == 0 {
				scale = math.Hypot(1, s.Sigmas[0])
			}
			if r.Spacing == "" || s.VP {
				require.InDelta(t, scale, s.FirstScale(), 1e-6*scale)
			}
		})
	}
	for _, name := range ScheduleNames() {
		require.True(t, seen[name] || name == "turbo" || name == "lu", name)
	}
}

func TestTurboTimes(t *testing.T) {
	s, err := DefaultConfig().New(Overrides{Schedule: "turbo"}, 3)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{999, 899, 799}, s.Timesteps, 1e-3)
}

func TestCustomSigmas(t *testing.T) {
	s, err := DefaultConfig().New(Overrides{Sigmas: []float64{10, 3, 1, 0}}, 3)
	require.NoError(t, err)
	require.Equal(t, []float64{10, 3, 1, 0}, s.Sigmas)
	require.Equal(t, "custom", s.Name)
	require.Len(t, s.Timesteps, 3)
	for _, bad := range [][]float64{{}, {1}, {1, 2, 0}, {2, 0, 1}, {math.NaN(), 0}, {-1, 0}} {
		_, err := DefaultConfig().New(Overrides{Sigmas: bad}, 3)
		require.ErrorContains(t, err, "sigma", bad)
	}
	_, err = DefaultConfig().New(Overrides{Dialect: "webui"}, 3)
	require.ErrorContains(t, err, `no dialect "webui"; there are diffusers, a1111, comfy, k-diffusion`)
}

func TestBetaQuantile(t *testing.T) {
	// Where both parameters are 1/2 it is the arcsine distribution.
	for _, p := range []float64{0, 1e-6, 0.1, 0.5, 0.77, 1} {
		require.InDelta(t, math.Pow(math.Sin(math.Pi*p/2), 2), betaQuantile(p, 0.5, 0.5), 1e-12)
	}
}
