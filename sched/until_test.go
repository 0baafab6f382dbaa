package sched

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUntilLeadsToTheEnd(t *testing.T) {
	s, err := DefaultConfig().New(Overrides{Sampler: "euler"}, 10)
	require.NoError(t, err)
	whole := append([]float64(nil), s.Sigmas...)
	cut := s.From(0.8).Until(0.3)
	require.Equal(t, append(append([]float64(nil), whole[2:7]...), 0), cut.Sigmas)
	require.Equal(t, s.Timesteps[2:7], cut.Timesteps)
	require.Equal(t, whole, s.Sigmas, "the schedule itself is as it was")
	require.Same(t, s, s.Until(0))
}
