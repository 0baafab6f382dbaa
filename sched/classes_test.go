package sched

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// internal/golden/gen/class_refs.py made the file with diffusers.
func TestClassesAgainstDiffusers(t *testing.T) {
	refs := read[[]struct {
		Config                  json.RawMessage
		Steps                   int
		Sigmas, Timesteps, Last []float64
	}](t, "classes.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		c := EmptyConfig()
		require.NoError(t, json.Unmarshal(r.Config, &c))
		s, err := c.New(Overrides{}, r.Steps)
		require.NoError(t, err, "%s", r.Config)
		if r.Sigmas != nil {
			requireRelative(t, r.Sigmas, s.Sigmas, 2e-6)
		}
		require.InDeltaSlice(t, r.Timesteps, s.Timesteps, 1e-4, "%s", r.Config) // levels are in float32
		noise, x := NewTorchNoise(5), make([]float32, len(r.Last))
		noise.Normal(x)
		for i := range x {
			x[i] *= float32(s.FirstScale())
		}
		network := func(_ context.Context, out, in []float32, time float64) error {
			for i, v := range in {
				out[i] = float32(0.7*math.Tanh(float64(v)) - 0.3*float64(v) + 0.05*time)
			}
			return nil
		}
		require.NoError(t, s.Sampler.F32(context.Background(), &Run[float32]{X: x, Sigmas: s.Sigmas, Noise: noise,
			Denoise: NewDenoise(network, s.Prediction, s.Time, len(x)), FirstOrderLast: s.FirstOrderLast, Order: s.Order, Levels: s.Levels}))
		scale := float32(s.LatentScale(len(s.Timesteps) - 1))
		greatest := max(1, slices.Max(r.Last), -slices.Min(r.Last))
		for i, want := range r.Last {
			require.InDelta(t, want, x[i]*scale, 1e-4*greatest, "%s, %d steps, number %d", r.Config, r.Steps, i)
		}
	}
}

func TestClassFaults(t *testing.T) {
	for text, want := range map[string]string{
		`{"_class_name":"PNDMScheduler"}`: "skip_prk_steps is false, want true",
		`{"_class_name":"PNDMScheduler","skip_prk_steps":true,"timestep_spacing":"linspace"}`: `timestep_spacing is "linspace", want leading`,
		`{"_class_name":"DEISMultistepScheduler","solver_order":4}`:                           "solver_order is 4, want 1 to 3",
		`{"_class_name":"UniPCMultistepScheduler","predict_x0":false}`:                        "predict_x0 is false, want true",
		`{"_class_name":"UniPCMultistepScheduler","thresholding":true}`:                       "thresholding is true, want false",
		`{"_class_name":"SASolverScheduler","predictor_order":3}`:                             "predictor_order is 3 and corrector_order 2, want 2",
		`{"_class_name":"SASolverScheduler","use_karras_sigmas":true}`:                        "use_karras_sigmas is true, want false",
		`{"_class_name":"PNDMScheduler","skip_prk_steps":true,"prediction_type":"sample"}`:    `prediction_type is "sample", want epsilon`,
		`{"_class_name":"TCDScheduler","original_inference_steps":25}`:                        "original_inference_steps is 25, want 50",
	} {
		c := EmptyConfig()
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		_, err := c.New(Overrides{}, 5)
		require.ErrorContains(t, err, want)
	}
}
