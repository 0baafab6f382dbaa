package demo_test

import (
	"context"
	"image"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl"
)

// TestLittleMemoryMakesTheSamePicture runs the sides of the batch one after the
// other, and keeps what does not fit in a file.
func TestLittleMemoryMakesTheSamePicture(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("work memory in files is for Unix")
	}
	pipe := pipeline(t)
	draw := func(memory int64) []byte {
		r, err := sdxl.NewPipeline(pipe.Model(), pipe.Backend(), sdxl.PipelineOptions{Memory: memory}).Generate(context.Background(), sdxl.Options{Prompt: "a green star", Width: 256, Height: 192, Steps: new(2), Seed: new(int64(1)), Batch: new(2)})
		require.NoError(t, err)
		require.Len(t, r.Images, 2)
		return append(r.Images[0].Pix, r.Images[1].Pix...)
	}
	want := draw(0)
	for _, memory := range []int64{76 << 20, 66 << 20} {
		require.True(t, string(want) == string(draw(memory)), "%d MiB", memory>>20)
	}
	_, err := sdxl.NewPipeline(pipe.Model(), pipe.Backend(), sdxl.PipelineOptions{Memory: 1 << 20}).Generate(context.Background(), sdxl.Options{Prompt: "a green star"})
	require.ErrorContains(t, err, "the least")
}

// limits tells of the limits that networks are compiled under.
type limits struct {
	nn.Backend
	of []int64
}

func (l *limits) Compile(ctx context.Context, p *nn.Program, opts nn.CompileOptions) (nn.Executable, error) {
	l.of = append(l.of, opts.Memory)
	return l.Backend.Compile(ctx, p, opts)
}

// TestEveryStageHasTheLimit: no network of a pipeline is compiled without it.
func TestEveryStageHasTheLimit(t *testing.T) {
	pipe := pipeline(t)
	l := &limits{Backend: pipe.Backend()}
	pipe = sdxl.NewPipeline(pipe.Model(), l, sdxl.PipelineOptions{Memory: 256 << 20})
	_, err := pipe.EncodePrompts(t.Context(), []sdxl.PromptText{{L: "a star", G: "a star"}}, sdxl.PromptOptions{})
	require.NoError(t, err)
	require.Len(t, l.of, 2)
	_, err = pipe.Generate(t.Context(), sdxl.Options{
		Prompt: "a star", Width: 64, Height: 64, Steps: new(2), Image: image.NewNRGBA(image.Rect(0, 0, 64, 64)), Strength: new(1.0),
		Progress: func(p sdxl.Progress) {
			_, err := p.Preview(t.Context())
			require.NoError(t, err)
		},
	})
	require.NoError(t, err)
	for _, memory := range l.of {
		require.Positive(t, memory)
		require.LessOrEqual(t, memory, pipe.Memory())
	}
}
