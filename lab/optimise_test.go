package lab_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
)

// The levels that are found for a model end nearer to its solution than those of
// schedules that know nothing of it.
func TestOptimise(t *testing.T) {
	ctx, m := context.Background(), newMixtureModel()
	fine, err := m.Sigmas("exponential", 80)
	require.NoError(t, err)
	euler := named(t, "euler")[0]
	end := func(s sched.Sampler, sigmas []float64) []float64 {
		x := m.Start()
		out := make([]float64, len(x))
		for i := range x {
			x[i] *= float32(fine[0])
		}
		require.NoError(t, m.Run(ctx, s, x, sigmas))
		for i, v := range x {
			out[i] = float64(v)
		}
		return out
	}
	exact := make([]float64, 4)
	for i, v := range m.Start() {
		exact[i] = float64(v) * fine[0]
	}
	require.NoError(t, m.Solve(exact, fine[0], 1e-6))
	off := func(sigmas []float64) (sum float64) {
		for i, v := range end(euler, sigmas) {
			sum += (v - exact[i]) * (v - exact[i])
		}
		return math.Sqrt(sum)
	}
	for _, steps := range []int{4, 6, 10} {
		found, err := lab.Optimise(ctx, m, fine, steps, 1.15)
		require.NoError(t, err)
		require.Len(t, found, steps+1)
		require.Equal(t, []float64{fine[0], 0}, []float64{found[0], found[steps]})
		for i, v := range found {
			require.Contains(t, fine, v)
			require.True(t, i == 0 || v < found[i-1])
		}
		for _, name := range []string{"karras", "normal", "exponential"} {
			sigmas, err := m.Sigmas(name, steps)
			require.NoError(t, err)
			require.Less(t, off(found), off(sigmas), "%s, %d steps", name, steps)
		}
	}
	whole, err := lab.Optimise(ctx, m, fine, len(fine)-1, 1.15)
	require.NoError(t, err)
	require.True(t, slices.Equal(fine, whole))
	_, err = lab.Optimise(ctx, m, fine, len(fine), 1.15)
	require.ErrorContains(t, err, "81 steps out of 81 levels, want 1 to 80")
}
