package sched

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTails compares with the definitions in named_schedule_refs.py.
func TestTails(t *testing.T) {
	refs := read[[]struct {
		Dialect, Sampler, Schedule string
		Steps                      int
		Strength, Scale            float64
		Sigmas                     []float64
	}](t, "tails.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		t.Run(fmt.Sprintf("%s %s %s %d from %g", r.Dialect, r.Sampler, r.Schedule, r.Steps, r.Strength), func(t *testing.T) {
			o := Overrides{Sampler: r.Sampler, Schedule: r.Schedule, Dialect: r.Dialect}
			s, err := DefaultConfig().NewTail(o, r.Steps, r.Strength)
			require.NoError(t, err)
			requireRelative(t, r.Sigmas, s.Sigmas, 2e-6) // k-diffusion's, of 300 steps in float32
			require.Len(t, s.Timesteps, len(s.Sigmas)-1)
			require.InEpsilon(t, r.Scale, s.ImageScale(), 1e-6)
			if r.Dialect == "a1111" {
				whole, err := DefaultConfig().New(o, r.Steps)
				require.NoError(t, err)
				require.Equal(t, whole.Sigmas, s.Motion())
			} else {
				require.Equal(t, s.Sigmas, s.Motion())
			}
		})
	}
}

func TestTailsOfDiffusers(t *testing.T) {
	for _, dialect := range []string{"", "diffusers", "k-diffusion"} {
		whole, err := DefaultConfig().New(Overrides{Dialect: dialect}, 20)
		require.NoError(t, err)
		s, err := DefaultConfig().NewTail(Overrides{Dialect: dialect}, 20, 0.33)
		require.NoError(t, err)
		require.Equal(t, whole.Sigmas[14:], s.Sigmas)
		require.Equal(t, whole.Timesteps[14:], s.Timesteps)
		require.Equal(t, whole.Sigmas[14], s.ImageScale())
	}
}

func TestTailsOfGivenLevels(t *testing.T) {
	for dialect, want := range map[string][]float64{"diffusers": {2, 1, 0}, "a1111": {5, 2, 1, 0}, "comfy": {2, 1, 0}} {
		s, err := DefaultConfig().NewTail(Overrides{Dialect: dialect, Sigmas: []float64{10, 5, 2, 1, 0}}, 4, 0.5)
		require.NoError(t, err)
		require.Equal(t, want, s.Sigmas, dialect)
	}
}

func TestTailFaults(t *testing.T) {
	for _, c := range []struct {
		dialect  string
		steps    int
		strength float64
		want     string
	}{
		{"", 20, 0.01, "strength 0.01 of 20 steps is less than one step"},
		{"comfy", 20, 0, "strength 0 of 20 steps is less than one step"},
		{"comfy", 20, 1e-12, "are the last of 2147483647, want at most 1000"},
		{"a1111", 0, 0.5, "0 steps, want 1 to 1000"},
		{"webui", 20, 0.5, `no dialect "webui"`},
	} {
		_, err := DefaultConfig().NewTail(Overrides{Dialect: c.dialect}, c.steps, c.strength)
		require.ErrorContains(t, err, c.want)
	}
	s, err := DefaultConfig().NewTail(Overrides{Dialect: "a1111"}, 20, 0)
	require.NoError(t, err)
	require.Len(t, s.Timesteps, 1)
}
