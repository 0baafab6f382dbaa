package sched

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRestartsOfNothing: a check refuses a run that would restart nothing, and so
// calls the denoiser as often as Heun's.
func TestRestartsOfNothing(t *testing.T) {
	s, err := SamplerNamed("restart")
	require.NoError(t, err)
	heun, err := SamplerNamed("heun")
	require.NoError(t, err)
	const nothing = "restart would restart nothing"
	for _, c := range []struct {
		restart *Restart
		sigmas  []float64
		want    string
	}{
		{nil, []float64{14, 0}, nothing},
		{nil, []float64{14, 2, 0.3, 0}, nothing}, // what is closest to 0.1 is 0
		{nil, []float64{14, 2, 0.15, 0}, ""},
		{nil, []float64{14, 0.15, 0}, nothing}, // what is closest to 2 is the same
		{nil, []float64{1.9, 0.15, 0}, ""},
		{nil, []float64{0.15, 0.001, 0}, nothing},
		{&Restart{Min: 4, Max: 5, Steps: 1, Times: 1}, []float64{14, 5, 0.1, 0}, "in a run of 3 steps no level near 4 comes after one near 5; want more steps"},
		{&Restart{Min: 4, Max: 5, Steps: 1, Times: 1}, []float64{14, 5, 4, 0.1, 0}, ""},
	} {
		run := &Run[float32]{Sigmas: c.sigmas, Restart: c.restart}
		err := s.Check(run)
		calls, failed := s.Calls(context.Background(), run, 100)
		require.NoError(t, failed)
		alone, failed := heun.Calls(context.Background(), &Run[float32]{Sigmas: c.sigmas}, 100)
		require.NoError(t, failed)
		require.Equal(t, c.want != "", calls == alone, c.sigmas)
		if c.want == "" {
			require.NoError(t, err, c.sigmas)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}
