package demo_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// TestGuidanceHoldsBackAHighScale measures how far a scale of 20 drives the
// latents apart, and what each way of guidance leaves of that.
func TestGuidanceHoldsBackAHighScale(t *testing.T) {
	pipe := pipeline(t)
	spread := func(s guidance.Settings, cfg float64) float64 {
		o := sdxl.Options{Prompt: "a red circle", Steps: new(8), Seed: new(int64(3)), CFG: &cfg, Guidance: s, Trace: map[string]*tensor.Tensor{}}
		_, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		sum, v := 0.0, o.Trace["latents"].Float32s()
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		return math.Sqrt(sum / float64(len(v)))
	}
	mild, high := spread(guidance.Settings{}, 3), spread(guidance.Settings{}, 20)
	require.Greater(t, high, 1.3*mild)
	for name, s := range map[string]guidance.Settings{
		"rescale":  {Rescale: 0.7},
		"apg":      {Method: guidance.MethodAPG, APG: &guidance.APG{Norm: 2, Momentum: -0.5}},
		"interval": {Interval: []float64{0.4, 0.8}},
		"mimic":    {Mimic: 3},
	} {
		require.Less(t, spread(s, 20), high-0.2*(high-mild), name)
	}
	require.Less(t, spread(guidance.Settings{Method: guidance.MethodCFGPP}, 0.6), high)
}

// TestRestingStepsAreTheSame takes the positive side alone where the scale is
// 1, which must give what both sides give there.
func TestRestingStepsAreTheSame(t *testing.T) {
	pipe := pipeline(t)
	latents := func(o sdxl.Options) []float32 {
		o.Prompt, o.Steps, o.Seed, o.Trace = "a blue square", new(5), new(int64(7)), map[string]*tensor.Tensor{}
		_, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		return o.Trace["latents"].Float32s()
	}
	rests := latents(sdxl.Options{Batch: new(2), Guidance: guidance.Settings{Scales: []float64{6, 1, 6, 1, 1}}})
	nearly := latents(sdxl.Options{Batch: new(2), Guidance: guidance.Settings{Scales: []float64{6, 1 + 1e-7, 6, 1 + 1e-7, 1 + 1e-7}}})
	require.InDeltaSlice(t, nearly, rests, 1e-4)
	never := latents(sdxl.Options{Guidance: guidance.Settings{Sigmas: []float64{100, 200}}})
	require.Equal(t, latents(sdxl.Options{CFG: new(1.0)}), never)
}
