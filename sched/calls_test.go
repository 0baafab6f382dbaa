package sched

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCalls compares the count with that of a run on a picture of more numbers.
func TestCalls(t *testing.T) {
	for _, name := range SamplerNames() {
		s, err := SamplerNamed(name)
		require.NoError(t, err)
		c := DefaultConfig()
		schedule, err := c.New(Overrides{Sampler: name}, 7)
		require.NoError(t, err)
		x, calls := make([]float32, 64), 0
		NewTorchNoise(1).Normal(x)
		for i := range x {
			x[i] *= float32(schedule.Sigmas[0])
		}
		run := Run[float32]{
			X: x, Sigmas: schedule.Sigmas, Noise: NewTorchNoise(2), FirstOrderLast: schedule.FirstOrderLast, Levels: schedule.Levels,
			Denoise: func(_ context.Context, denoised, x []float32, sigma float64) error {
				calls++
				for i := range x {
					denoised[i] = x[i] / float32(1+sigma*sigma)
				}
				return nil
			},
		}
		counted, err := s.Calls(t.Context(), &run, 1000)
		require.NoError(t, err, name)
		before := append([]float32(nil), x...)
		require.NoError(t, s.F32(t.Context(), &run), name)
		if name == "dpm_adaptive" {
			require.Positive(t, counted)
			continue
		}
		require.Equal(t, calls, counted, name)
		require.NotEqual(t, before, x, "counting left the run alone")
		for most, want := range map[int]int{calls: calls, calls - 1: calls} {
			counted, err = s.Calls(t.Context(), &run, most)
			require.NoError(t, err)
			require.Equal(t, want, counted, "%s with %d at most", name, most)
		}
	}
}

// TestCallsOfRestarts: a restart of a million steps is not counted to its end.
func TestCallsOfRestarts(t *testing.T) {
	s, err := SamplerNamed("restart")
	require.NoError(t, err)
	run := Run[float32]{Sigmas: []float64{14, 5, 2, 1, 0.5, 0.1, 0}, Restart: &Restart{Min: 0.1, Max: 5, Steps: 999, Times: 999}}
	n, err := s.Calls(t.Context(), &run, 500)
	require.NoError(t, err)
	require.Equal(t, 501, n)
	run.Restart = &Restart{Min: 0.1, Max: 5, Steps: 3, Times: 4}
	n, err = s.Calls(t.Context(), &run, 500)
	require.NoError(t, err)
	require.Equal(t, 2*6-1+4*2*3, n)
}
