package networks_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/mkmodel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

// memory compiles a graph with weights of zeros, which are not computed with,
// and returns what it takes.
func memory(t *testing.T, b nn.Backend, g *nn.Graph, limit int64) int64 {
	p, err := nn.Lower(g, b.Supports, nil)
	require.NoError(t, err)
	zeros := func(weights ...*nn.Weight) {
		for _, w := range weights {
			w.Load = sync.OnceValues(func() (*tensor.Tensor, error) { return tensor.New(tensor.F32, w.Shape...), nil })
		}
	}
	for _, n := range p.Nodes {
		switch op := n.Op.(type) {
		case nn.Linear:
			zeros(op.Weight, op.Bias)
		case nn.Conv2D:
			zeros(op.Weight, op.Bias)
			if op.Norm != nil {
				zeros(op.Norm.Scale, op.Norm.Shift)
			}
		case nn.UpsampleConv2D:
			zeros(op.Weight, op.Bias)
		case nn.GroupNorm:
			zeros(op.Scale, op.Shift)
		}
	}
	exe, err := b.Compile(context.Background(), p, nn.CompileOptions{Memory: limit})
	require.NoError(t, err)
	defer exe.Close()
	return exe.Footprint().Total()
}

// TestMemoryOfTheAutoencoder holds SDXL's, with pictures of a megapixel and of
// four, to what a process may hold less 60 MiB for the picture and the program.
func TestMemoryOfTheAutoencoder(t *testing.T) {
	const gb, beside = 1e9, 60 << 20
	a, err := mkmodel.Architecture("sdxl-base")
	require.NoError(t, err)
	m, err := a.Networks()
	require.NoError(t, err)
	for _, c := range []struct {
		precision    nn.Precision
		size         int
		limit, bytes int64
	}{
		{nn.F32, 1024, 0, gb - beside},
		{nn.F32, 1024, 750 << 20, 750 << 20},
		{nn.F32, 2048, 0, 3.6 * gb},
		{nn.BF16, 1024, 0, gb - beside},
		{nn.BF16, 2048, 0, 1.9 * gb},
	} {
		b := cpu.New(cpu.Options{Threads: 2, Precision: c.precision})
		defer b.Close()
		decoder, err := m.VAE.DecoderGraph(1, c.size/8, c.size/8)
		require.NoError(t, err)
		require.LessOrEqual(t, memory(t, b, decoder, c.limit), c.bytes, "decoder, %+v", c)
		encoder, err := m.VAE.EncoderGraph(1, c.size, c.size)
		require.NoError(t, err)
		require.LessOrEqual(t, memory(t, b, encoder, c.limit), c.bytes, "encoder, %+v", c)
	}
}
