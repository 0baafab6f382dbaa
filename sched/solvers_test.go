package sched

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSolversAgainstDiffusers compares results with what solver_refs.py wrote.
func TestSolversAgainstDiffusers(t *testing.T) {
	refs := read[[]struct {
		Sampler, Denoiser string
		Sigmas, Last      []float64
		Eta               *float64
		FirstOrderLast    bool `json:"first_order_last"`
		Restart           *Restart
		Order             int
	}](t, "solvers.json")
	require.NotEmpty(t, refs)
	for i, r := range refs {
		t.Run(fmt.Sprintf("%d %s %s %d", i, r.Sampler, r.Denoiser, len(r.Sigmas)-1), func(t *testing.T) {
			s, err := SamplerNamed(r.Sampler)
			require.NoError(t, err)
			wide, noise := start[float64](r.Sigmas[0])
			require.NoError(t, s.F64(context.Background(), &Run[float64]{X: wide, Sigmas: r.Sigmas, Denoise: denoiser[float64](r.Denoiser),
				Noise: noise, Eta: r.Eta, FirstOrderLast: r.FirstOrderLast, Restart: r.Restart, Order: r.Order}))
			require.InDeltaSlice(t, r.Last, wide, 1e-10)
			narrow, noise := start[float32](r.Sigmas[0])
			require.NoError(t, s.F32(context.Background(), &Run[float32]{X: narrow, Sigmas: r.Sigmas, Denoise: denoiser[float32](r.Denoiser),
				Noise: noise, Eta: r.Eta, FirstOrderLast: r.FirstOrderLast, Restart: r.Restart, Order: r.Order}))
			for j, want := range r.Last {
				require.InDelta(t, want, narrow[j], 1e-5*max(1, math.Abs(want)), "float32")
			}
		})
	}
}

// start draws the first noise, and leaves the rest.
func start[T Float](sigma float64) ([]T, Noise) {
	noise, first := NewTorchNoise(5), make([]float32, 8)
	noise.Normal(first)
	x := make([]T, len(first))
	for i, v := range first {
		x[i] = T(float64(v) * sigma)
	}
	return x, noise
}

func TestSolverFaults(t *testing.T) {
	run := Run[float64]{X: []float64{1}, Sigmas: []float64{1, 0}, Denoise: denoiser[float64]("gaussian"), Noise: NewTorchNoise(1), Restart: &Restart{Min: 2, Max: 1, Steps: 1, Times: 1}, Order: 4}
	err := RestartHeun(context.Background(), &run)
	require.ErrorContains(t, err, "Restart is from 2 to 1")
	require.ErrorContains(t, err, "Order is 4, want 1 to 3")
}
