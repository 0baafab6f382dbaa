package sdxl_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/unet"
)

// counted is a backend that counts what it compiles and what of it is open.
type counted struct {
	nn.Backend
	compiled, open int
}

type countedExecutable struct {
	nn.Executable
	of *counted
}

func (c *counted) Compile(ctx context.Context, p *nn.Program, opts nn.CompileOptions) (nn.Executable, error) {
	exe, err := c.Backend.Compile(ctx, p, opts)
	if err != nil {
		return nil, err
	}
	c.compiled++
	c.open++
	return countedExecutable{exe, c}, nil
}

func (e countedExecutable) Close() error {
	e.of.open--
	return e.Executable.Close()
}

// TestSecondPictureCompilesNothing: of the same shape, with every kind of network
// that a picture takes; and another shape, or another patch, is another network.
func TestSecondPictureCompilesNothing(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{})
	b := &counted{Backend: backend(t, 1)}
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	draw := func(o sdxl.Options) []byte {
		o.Steps, o.Seed, o.Width, o.Height = new(2), new(int64(1)), 64, 64
		r, err := pipe.Generate(t.Context(), o)
		require.NoError(t, err)
		return r.Images[0].Pix
	}
	pictures := make(map[string]bool)
	for _, o := range []sdxl.Options{
		{Prompt: "a"}, {Prompt: "a", FreeU: &unet.FreeU{B1: 1.3, B2: 1, S1: 1, S2: 1}}, {Prompt: "a", PAG: &sdxl.PAG{Scale: 3}}, {Prompt: "a", SAG: 0.75},
		{Prompt: "a", Cache: "deepcache:2"}, {Prompt: "a", PAG: &sdxl.PAG{Scale: 3, Layers: []string{"up_blocks.0"}}},
	} {
		before := b.compiled
		first := draw(o)
		require.Greater(t, b.compiled, before, "%+v", o)
		before = b.compiled
		require.Equal(t, first, draw(o))
		require.Equal(t, before, b.compiled, "%+v", o)
		pictures[string(first)] = true
	}
	require.Len(t, pictures, 6)
	require.Positive(t, b.open)
	require.NoError(t, pipe.Close())
	require.Zero(t, b.open)
	_, err := pipe.Generate(t.Context(), sdxl.Options{Prompt: "a"})
	require.ErrorContains(t, err, "closed")
}

// TestNothingIsKept where the caller wants none, or has a limit of memory.
func TestNothingIsKept(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{})
	for _, o := range []sdxl.PipelineOptions{{Keep: -1}, {Memory: 1 << 30}} {
		b := &counted{Backend: backend(t, 1)}
		_, err := sdxl.NewPipeline(m, b, o).Generate(t.Context(), sdxl.Options{Prompt: "a", Steps: new(1), Width: 64, Height: 64})
		require.NoError(t, err)
		require.Positive(t, b.compiled)
		require.Zero(t, b.open)
	}
}
