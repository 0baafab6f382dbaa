package cpu_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

// decoder records the last stage of the VAE's decoder and its output.
func decoder(g *nn.Graph) {
	const c = 32
	w := func(name string, shape ...int) *nn.Weight { return nn.Param(name, filled(shape...)) }
	norm := func(c int) *nn.GroupNorm {
		return &nn.GroupNorm{Groups: 8, Eps: 1e-6, Scale: w("s", c), Shift: w("b", c), Act: nn.SiLU}
	}
	x := g.Conv2D(g.Input("x", tensor.F32, 1, 90, 70, c), nn.Conv2D{Weight: w("in", c, c, 3, 3), Pad: nn.Pad(1)})
	x = g.UpsampleConv2D(x, nn.UpsampleConv2D{Weight: w("up", c, c, 3, 3)})
	for i := range 2 {
		h := g.Conv2D(x, nn.Conv2D{Norm: norm(x.Dim(-1)), Weight: w("w1", c/2, x.Dim(-1), 3, 3), Pad: nn.Pad(1)})
		if i == 0 {
			x = g.Conv2D(x, nn.Conv2D{Weight: w("short", c/2, c, 1, 1)})
		}
		x = g.Conv2D(h, nn.Conv2D{Norm: norm(c / 2), Weight: w("w2", c/2, c/2, 3, 3), Pad: nn.Pad(1)}, nn.Residual(x))
	}
	g.Output("down", g.Conv2D(x, nn.Conv2D{Weight: w("down", c, c/2, 3, 3), Stride: 2, Pad: nn.Padding{Bottom: 1, Right: 1}}))
	g.Output("y", g.Conv2D(x, nn.Conv2D{Norm: norm(c / 2), Weight: w("out", 3, c/2, 3, 3), Pad: nn.Pad(1)}))
}

// TestStreamedImagesGiveTheSameBytes makes images whole and in parts, under
// limits down to the least that is possible, on one thread and on several.
func TestStreamedImagesGiveTheSameBytes(t *testing.T) {
	g, err := nn.Record(decoder)
	require.NoError(t, err)
	for _, precision := range []nn.Precision{nn.F32, nn.BF16} {
		var want [2][]byte
		run := func(b *cpu.Backend, memory int64, name string) int64 {
			exe, err := nn.Compile(context.Background(), b, g, nn.CompileOptions{Memory: memory})
			require.NoError(t, err, name)
			defer exe.Close()
			dst := []*tensor.Tensor{tensor.New(tensor.F32, 1, 90, 70, 32), tensor.New(tensor.F32, 1, 180, 140, 3)}
			for range 2 { // the second run meets what the first left behind
				require.NoError(t, exe.Run(context.Background(), nn.Tensors(dst...), nn.Tensors(filled(1, 90, 70, 32))))
			}
			for i, d := range dst {
				if want[i] == nil {
					want[i] = d.Bytes()
				}
				require.Equal(t, want[i], d.Bytes(), name)
			}
			return exe.Footprint().Total()
		}
		for _, threads := range []int{1, 3} {
			b := cpu.New(cpu.Options{Threads: threads, Precision: precision})
			defer b.Close()
			b.KeepRounded(0)
			name := fmt.Sprintf("%s, %d threads", precision, threads)
			whole := run(b, 0, name)
			b.StreamFrom(whole / 2)
			streamed := run(b, 0, name+", in parts")
			require.Less(t, streamed, whole)
			var short *nn.MemoryError
			_, err = nn.Compile(context.Background(), b, g, nn.CompileOptions{Memory: 1})
			require.ErrorAs(t, err, &short)
			require.Less(t, short.Least, streamed)
			require.LessOrEqual(t, run(b, short.Least, name+", least"), short.Least)
		}
	}
}
