package cpu_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/nntest"
	"github.com/df65613c/easel/tensor"
)

// TestRoundedImagesConform runs everything with images kept in bfloat16, as
// large ones are.
func TestRoundedImagesConform(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 2, Precision: nn.BF16})
	defer b.Close()
	b.KeepRounded(0)
	nntest.Run(t, b, nntest.Options{Tolerance: 0.03})
}

// block records what the last stage of the VAE's decoder does: a doubled image
// whose shortcut has half the channels.
func block(g *nn.Graph, keep bool) {
	const c = 64
	w := func(name string, shape ...int) *nn.Weight { return nn.Param(name, filled(shape...)) }
	norm := func(c int) *nn.GroupNorm {
		return &nn.GroupNorm{Groups: 8, Eps: 1e-6, Scale: w("s", c), Shift: w("b", c), Act: nn.SiLU}
	}
	x := g.UpsampleConv2D(g.Input("small", tensor.F32, 2, 72, 80, c), nn.UpsampleConv2D{Weight: w("up", c, c, 3, 3)})
	if keep {
		g.Output("x", x)
	}
	h := g.Conv2D(x, nn.Conv2D{Norm: norm(c), Weight: w("w1", c/2, c, 3, 3), Pad: nn.Pad(1)})
	x = g.Conv2D(x, nn.Conv2D{Weight: w("short", c/2, c, 1, 1)})
	x = g.Conv2D(h, nn.Conv2D{Norm: norm(c / 2), Weight: w("w2", c/2, c/2, 3, 3), Pad: nn.Pad(1)}, nn.Residual(x))
	g.Output("y", g.Conv2D(x, nn.Conv2D{Norm: norm(c / 2), Weight: w("out", 3, c/2, 3, 3), Pad: nn.Pad(1)}))
}

// TestShortcutsLieWhereTheirImageDid: the result of a narrower shortcut takes
// over the memory of what it is made from, whole or in bands. Where the image is
// kept it doesn't, and the numbers are the same.
func TestShortcutsLieWhereTheirImageDid(t *testing.T) {
	for _, precision := range []nn.Precision{nn.F32, nn.BF16} {
		b := cpu.New(cpu.Options{Threads: 3, Precision: precision})
		defer b.Close()
		b.KeepRounded(0)
		run := func(keep bool, memory int64) ([]byte, error) {
			g, err := nn.Record(func(g *nn.Graph) { block(g, keep) })
			require.NoError(t, err)
			exe, err := nn.Compile(context.Background(), b, g, nn.CompileOptions{Memory: memory})
			if err != nil {
				return nil, err
			}
			defer exe.Close()
			y, dst := tensor.New(tensor.F32, 2, 144, 160, 3), []*tensor.Tensor(nil)
			if keep {
				dst = append(dst, tensor.New(tensor.F32, 2, 144, 160, 64))
			}
			require.NoError(t, exe.Run(context.Background(), nn.Tensors(append(dst, y)...), nn.Tensors(filled(2, 72, 80, 64))))
			return y.Bytes(), nil
		}
		want, err := run(false, 0)
		require.NoError(t, err)
		var short *nn.MemoryError
		_, err = run(false, 1)
		require.ErrorAs(t, err, &short)
		banded, err := run(false, short.Least)
		require.NoError(t, err)
		require.Equal(t, want, banded, precision)
		if precision == nn.F32 { // the other one then keeps what it gives out in float32
			kept, err := run(true, 0)
			require.NoError(t, err)
			require.Equal(t, want, kept)
		}
	}
}
