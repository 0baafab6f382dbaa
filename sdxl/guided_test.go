package sdxl_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// TestGuided compares latents with those of internal/golden/gen/guided_refs.py.
func TestGuided(t *testing.T) {
	data, err := os.ReadFile(golden.Path("guided", "guided.json"))
	require.NoError(t, err)
	var cases []struct {
		Name, Model, Cache, Sampler, Schedule string
		FreeU                                 *unet.FreeU
		APG                                   *guidance.APG
		SAG, CFG                              float64
		Steps, Width, Height                  int
		Seed                                  int64
		Negative                              *string
		Batch                                 *int
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	want := golden.Tensors(t, golden.Path("guided", "guided.safetensors"))
	require.Len(t, want, len(cases))
	b := backend(t, 0)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			m := open(t, golden.Path(c.Model, "model"), sdxl.OpenOptions{})
			o := sdxl.Options{Prompt: "a red circle", Negative: c.Negative, Steps: &c.Steps, CFG: &c.CFG, Seed: &c.Seed, Batch: c.Batch, Width: c.Width, Height: c.Height,
				Sampler: c.Sampler, Schedule: c.Schedule, FreeU: c.FreeU, SAG: c.SAG, Cache: c.Cache}
			if c.APG != nil {
				o.Guidance = guidance.Settings{Method: guidance.MethodAPG, APG: c.APG}
			}
			run := func(memory int64, o sdxl.Options) *tensor.Tensor {
				o.Trace = map[string]*tensor.Tensor{}
				_, err := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Memory: memory}).Generate(context.Background(), o)
				require.NoError(t, err)
				return o.Trace["latents"]
			}
			got := run(0, o)
			require.Less(t, golden.RelErr(got.Float32s(), want[c.Name].Float32s()), 1e-4)
			require.Equal(t, got.Bytes(), run(51<<20, o).Bytes(), "with little memory")
			o.FreeU, o.SAG, o.Cache, o.Guidance = nil, 0, "", guidance.Settings{}
			require.Greater(t, golden.RelErr(got.Float32s(), run(0, o).Float32s()), 1e-3, "no effect")
		})
	}
}

func TestFactorsOfOneAreNoFreeU(t *testing.T) {
	pipe := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{}), backend(t, 0), sdxl.PipelineOptions{})
	run := func(f *unet.FreeU) []float32 {
		o := sdxl.Options{Prompt: "a moon", Steps: new(3), Seed: new(int64(2)), Width: 64, Height: 40, FreeU: f, Trace: map[string]*tensor.Tensor{}}
		_, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		return o.Trace["latents"].Float32s()
	}
	plain := run(nil)
	require.Less(t, golden.RelErr(run(&unet.FreeU{B1: 1, B2: 1, S1: 1, S2: 1}), plain), 1e-6)
	for _, f := range []unet.FreeU{
		{B1: 1.2, B2: 1, S1: 1, S2: 1}, {B1: 1, B2: 1.2, S1: 1, S2: 1}, {B1: 1, B2: 1, S1: 0.8, S2: 1}, {B1: 1, B2: 1, S1: 1, S2: 0.8},
	} {
		require.Greater(t, golden.RelErr(run(&f), plain), 1e-3, "%+v", f)
	}
}

func TestGuidedFaults(t *testing.T) {
	pipe := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{}), backend(t, 1), sdxl.PipelineOptions{})
	for want, o := range map[string]sdxl.Options{
		"freeu is 0,1,1,1, want b1,b2,s1,s2 above 0 and up to 10": {FreeU: &unet.FreeU{B2: 1, S1: 1, S2: 1}},
		"sag is -1, want 0 to 100":                                {SAG: -1},
		"sag is 1, want 0 for latents of 4x8":                     {SAG: 1, Width: 32, Height: 64},
	} {
		_, err := pipe.Generate(context.Background(), o)
		require.ErrorContains(t, err, want)
	}
}
