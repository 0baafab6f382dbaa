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
