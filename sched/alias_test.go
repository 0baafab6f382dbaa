package sched

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAliases(t *testing.T) {
	require.Len(t, SamplerAliases(), 10)
	for _, name := range SamplerAliases() {
		s, err := SamplerNamed(name)
		require.NoError(t, err)
		schedule, err := DefaultConfig().New(Overrides{Sampler: name}, 10)
		require.NoError(t, err)
		require.Equal(t, s.Name, schedule.Sampler.Name)
		require.Equal(t, s.Name == "dpmpp_2m" || s.Name == "ddim", schedule.VP)
	}
	_, err := SamplerNamed("K_NONE")
	require.ErrorContains(t, err, `no sampler "K_NONE"; there are euler, euler_a`)
	require.ErrorContains(t, err, "K_DPM_2_ANCESTRAL")
}
