package sched

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOptionsAgainstKDiffusion compares runs with eta, s_noise and churn, and
// samplers whose steps are their own, with what sampler_option_refs.py wrote.
func TestOptionsAgainstKDiffusion(t *testing.T) {
	refs := read[[]struct {
		Sampler, Denoiser string
		Sigmas            []float64
		Eta               *float64
		SNoise            *float64 `json:"s_noise"`
		SChurn            float64  `json:"s_churn"`
		STMin             float64  `json:"s_tmin"`
		STMax             float64  `json:"s_tmax"`
		Last              []float64
	}](t, "options.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		name := fmt.Sprintf("%s %s %d", r.Sampler, r.Denoiser, len(r.Sigmas)-1)
		if r.Eta != nil {
			name += fmt.Sprintf(" eta %g", *r.Eta)
		}
		t.Run(name, func(t *testing.T) {
			s, err := SamplerNamed(r.Sampler)
			require.NoError(t, err)
			noise, first := NewTorchNoise(5), make([]float32, 8)
			noise.Normal(first)
			x, x32, scale := make([]float64, len(first)), make([]float32, len(first)), 0.0
			for i, v := range first {
				x[i] = float64(v) * r.Sigmas[0]
				x32[i] = float32(x[i])
			}
			for _, v := range r.Last {
				scale = max(scale, math.Abs(v))
			}
			passed := 0
			run := Run[float64]{X: x, Sigmas: r.Sigmas, Denoise: denoiser[float64](r.Denoiser), Noise: noise, Eta: r.Eta, SNoise: r.SNoise, Churn: Churn{r.SChurn, r.STMin, r.STMax},
				OnStep: func(i int, _, _ []float64) error {
					require.Equal(t, passed, i)
					passed++
					return nil
				}}
			require.NoError(t, s.F64(context.Background(), &run))
			require.Equal(t, len(r.Sigmas)-1, passed)
			bound := 1e-10 * max(1, scale)
			if r.Sampler == "euler_a" && r.Eta == nil {
				bound *= 2 // DDPM's last step has a deviation of 1e-10
			}
			require.InDeltaSlice(t, r.Last, x, bound)
			noise = NewTorchNoise(5)
			noise.Normal(make([]float32, 8))
			require.NoError(t, s.F32(context.Background(), &Run[float32]{X: x32, Sigmas: r.Sigmas, Denoise: denoiser[float32](r.Denoiser), Noise: noise, Eta: r.Eta, SNoise: r.SNoise,
				Churn: run.Churn}))
			for i, want := range r.Last {
				require.InDelta(t, want, x32[i], 1e-4*max(1, scale), "float32")
			}
		})
	}
}

// TestDDIMLevels: the noise levels of diffusers' DDIM, which ends at that of the
// first timestep where its configuration says so.
func TestDDIMLevels(t *testing.T) {
	refs := read[[]struct {
		Sampler string
		Sigmas  []float64
	}](t, "options.json")
	c := DefaultConfig()
	c.SetAlphaToOne = false
	found := 0
	for _, r := range refs {
		if r.Sampler == "ddim" {
			s, err := c.New(Overrides{Sampler: "DDIM"}, len(r.Sigmas)-1)
			require.NoError(t, err)
			requireRelative(t, r.Sigmas, s.Sigmas, 1e-6)
			found++
		}
	}
	require.NotZero(t, found)
}

func TestSamplerByValue(t *testing.T) {
	own := Sampler{Name: "own", F32: func(context.Context, *Run[float32]) error { return nil }}
	s, err := DefaultConfig().New(Overrides{Custom: &own}, 4)
	require.NoError(t, err)
	require.Equal(t, "own", s.Sampler.Name)
	_, err = DefaultConfig().New(Overrides{Custom: &Sampler{Name: "empty"}}, 4)
	require.ErrorContains(t, err, `the sampler "empty" has no F32`)
}

func TestOptionFaults(t *testing.T) {
	run := Run[float64]{X: []float64{1}, Sigmas: []float64{1, 0}, Denoise: denoiser[float64]("gaussian"), Eta: new(1.5), SNoise: new(-1.0), Churn: Churn{Amount: math.NaN()}}
	err := Euler(context.Background(), &run)
	require.ErrorContains(t, err, "Eta is 1.5, want 0 to 1")
	require.ErrorContains(t, err, "SNoise is -1")
	require.ErrorContains(t, err, "Churn.Amount is NaN")
	for _, f := range []func(context.Context, *Run[float64]) error{DDIM[float64], DPMFast[float64], DPMAdaptive[float64], EulerAncestral[float64]} {
		r := Run[float64]{X: []float64{1}, Sigmas: []float64{1, 0.1, 0}, Denoise: denoiser[float64]("gaussian"), Eta: new(0.0)}
		require.NoError(t, f(context.Background(), &r))
		r.Eta = new(0.5)
		require.ErrorIs(t, f(context.Background(), &r), ErrNoNoise)
	}
}
