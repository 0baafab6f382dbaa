package sdxl_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// A study that runs a sampler makes what Generate makes of the same noise levels.
func TestStudyIsGenerate(t *testing.T) {
	pipe := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{}), backend(t, 0), sdxl.PipelineOptions{})
	o := sdxl.Options{Prompt: "a bird", Seed: new(int64(5)), Steps: new(4), Width: 64, Height: 48, Spacing: "linspace", Trace: map[string]*tensor.Tensor{}}
	for _, name := range []string{"euler", "euler_a", "heun"} {
		o.Sampler = name
		r, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		s, err := pipe.Study(context.Background(), sdxl.Options{Prompt: "a bird", Seed: new(int64(5)), Width: 64, Height: 48})
		require.NoError(t, err)
		sampler, err := sched.SamplerNamed(name)
		require.NoError(t, err)
		sigmas, err := s.Sigmas("normal", 4)
		require.NoError(t, err)
		x := s.Start()
		for i := range x {
			x[i] *= float32(sigmas[0])
		}
		require.NoError(t, s.Run(context.Background(), sampler, x, sigmas))
		require.Equal(t, o.Trace["latents"].Float32s(), x, name)
		img, err := s.Decode(context.Background(), x)
		require.NoError(t, err)
		require.Equal(t, r.Images[0].Pix, img.Pix)
		require.ErrorContains(t, s.Run(context.Background(), sampler, x[1:], sigmas), "191 latents and 5 sigmas, want 192")
		require.NoError(t, s.Close())
	}
	_, err := pipe.Study(context.Background(), sdxl.Options{Batch: new(2)})
	require.ErrorContains(t, err, "want a batch of 1")
}

// A study of a model with other noise levels than SDXL's tells them to samplers that
// ask for them, and its noise has the variation.
func TestStudyHasTheModelsLevels(t *testing.T) {
	path := edited(t, "scheduler/scheduler_config.json", "beta_schedule", "linear")
	pipe := sdxl.NewPipeline(open(t, path, sdxl.OpenOptions{}), backend(t, 0), sdxl.PipelineOptions{})
	for _, name := range []string{"tcd", "lcm", "sa_solver", "dpmpp_sde", "euler_a", "heun"} {
		o := sdxl.Options{
			Prompt: "a bird", Seed: new(int64(5)), Width: 64, Height: 48, Sampler: name,
			Dialect: string(sched.KDiffusion), Variation: &sdxl.Variation{Seed: 9, Strength: 0.3},
		}
		s, err := pipe.Study(t.Context(), o)
		require.NoError(t, err)
		sampler, err := sched.SamplerNamed(name)
		require.NoError(t, err)
		o.Sigmas, err = s.Sigmas("normal", 5)
		require.NoError(t, err)
		x := s.Start()
		for i := range x {
			x[i] *= float32(o.Sigmas[0])
		}
		require.NoError(t, s.Run(t.Context(), sampler, x, o.Sigmas))
		require.NoError(t, s.Close())
		o.Trace = map[string]*tensor.Tensor{}
		_, err = pipe.Generate(t.Context(), o)
		require.NoError(t, err)
		require.Less(t, golden.RelErr(x, o.Trace["latents"].Float32s()), 1e-5, name)
	}
}

// A study with noise of the caller's draws each number once, gives it to every run,
// and says when there is too little.
func TestStudyReplaysGivenNoise(t *testing.T) {
	pipe := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{}), backend(t, 0), sdxl.PipelineOptions{})
	var kept []float32
	o := sdxl.Options{
		Prompt: "a bird", Seed: new(int64(5)), Steps: new(4), Width: 64, Height: 48, Spacing: "linspace", Sampler: "euler_a",
		Trace: map[string]*tensor.Tensor{}, OnNoise: func(draw []float32) { kept = append(kept, draw...) },
	}
	_, err := pipe.Generate(t.Context(), o)
	require.NoError(t, err)
	require.Len(t, kept, 5*4*8*6, "the first noise, and that of four steps")
	study := func(numbers []float32) ([]float32, error) {
		s, err := pipe.Study(t.Context(), sdxl.Options{Prompt: "a bird", Width: 64, Height: 48, NoiseFrom: sched.NewNoiseSequence(numbers)})
		require.NoError(t, err)
		defer s.Close()
		sampler, err := sched.SamplerNamed("euler_a")
		require.NoError(t, err)
		sigmas, err := s.Sigmas("normal", 4)
		require.NoError(t, err)
		var first []float32
		for range 2 {
			x := s.Start()
			for i := range x {
				x[i] *= float32(sigmas[0])
			}
			if err := s.Run(t.Context(), sampler, x, sigmas); err != nil {
				return nil, err
			}
			if first != nil {
				require.Equal(t, first, x, "a second run has the same noise")
			}
			first = x
		}
		return first, nil
	}
	x, err := study(kept)
	require.NoError(t, err)
	require.Equal(t, o.Trace["latents"].Float32s(), x)
	_, err = study(kept[:len(kept)-1])
	require.ErrorContains(t, err, "the stored noise has 959 numbers, and 960 were drawn")
}
