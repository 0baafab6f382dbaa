package sched

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The numbers are those of the programs' own rules: int(N d) steps; int(min(d,
// 0.999) N) + 1; and N of int(N / d).
func TestNewTail(t *testing.T) {
	for _, c := range []struct {
		dialect    Dialect
		steps      int
		strength   float64
		total, run int
	}{
		{Diffusers, 20, 0.5, 20, 10}, {Diffusers, 30, 0.35, 30, 10}, {KDiffusion, 7, 0.99, 7, 6}, {Diffusers, 8, 1, 8, 8},
		{A1111, 20, 0.5, 20, 11}, {A1111, 30, 0.35, 30, 11}, {A1111, 20, 1, 20, 20}, {A1111, 20, 0, 20, 1}, {A1111, 7, 0.99, 7, 7},
		{Comfy, 20, 0.5, 40, 20}, {Comfy, 30, 0.35, 85, 30}, {Comfy, 20, 1, 20, 20}, {Comfy, 7, 0.99, 7, 7}, {Comfy, 10, 0.01, 1000, 10},
	} {
		o := Overrides{Sampler: "euler", Schedule: "karras", Dialect: string(c.dialect)}
		whole, err := DefaultConfig().New(o, c.total)
		require.NoError(t, err)
		s, err := DefaultConfig().NewTail(o, c.steps, c.strength)
		require.NoError(t, err)
		require.Equal(t, whole.Sigmas[c.total-c.run:], s.Sigmas, "%+v", c)
		require.Equal(t, whole.Timesteps[c.total-c.run:], s.Timesteps, "%+v", c)
	}
	_, err := DefaultConfig().NewTail(Overrides{Dialect: "comfy"}, 11, 0.01)
	require.ErrorContains(t, err, "11 steps at strength 0.01 are the last of 1100, want at most 1000")
	_, err = DefaultConfig().NewTail(Overrides{Dialect: "x"}, 11, 0.01)
	require.ErrorContains(t, err, "no dialect")
}
