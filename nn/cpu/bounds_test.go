package cpu_test

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

// TestLeastMemory: what an error calls the least is enough, and one byte less is not.
func TestLeastMemory(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 2})
	defer b.Close()
	g, err := nn.Record(network)
	require.NoError(t, err)
	compile := func(memory int64) (int64, error) {
		exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{Memory: memory})
		if err != nil {
			return 0, err
		}
		defer exe.Close()
		return exe.Footprint().Total(), nil
	}
	_, err = compile(1)
	var short *nn.MemoryError
	require.True(t, errors.As(err, &short))
	total, err := compile(short.Least)
	require.NoError(t, err)
	require.LessOrEqual(t, total, short.Least)
	for _, memory := range []int64{short.Least - 1, short.Least * 3 / 4, short.Least/2 + 1} {
		_, err := compile(memory)
		require.True(t, errors.As(err, &short), "%d of %d bytes", memory, short.Least)
	}
}

// TestRunsOfOneExecutable at the same time give each what it gives alone.
func TestRunsOfOneExecutable(t *testing.T) {
	exe, _, _ := compile(t, 2)
	run := func(add float32) []float32 {
		x, y := filled(2, 16, 16, 32), tensor.New(tensor.F32, 2, 32, 16, 16)
		for i := range x.Float32s() {
			x.Float32s()[i] += add
		}
		if err := exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(x)); err != nil {
			t.Error(err)
		}
		return y.Float32s()
	}
	want := [][]float32{run(0), run(1), run(2)}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for range 10 {
				if !slices.Equal(want[i%3], run(float32(i%3))) {
					t.Error("another's numbers are in it")
					return
				}
				runtime.Gosched()
			}
		})
	}
	all.Wait()
}

// TestResidualOfItsOwnInput: a convolution that adds its input, which dies there,
// does not write over what it has yet to read.
func TestResidualOfItsOwnInput(t *testing.T) {
	const c = 8
	b := cpu.New(cpu.Options{Threads: 2})
	defer b.Close()
	run := func(own bool) []float32 {
		g, err := nn.Record(func(g *nn.Graph) {
			in := g.Input("x", tensor.F32, 1, 12, 12, c)
			x := g.Activate(in, nn.SiLU)
			residual := x
			if !own {
				residual = g.Activate(in, nn.SiLU)
			}
			g.Output("y", g.Conv2D(x, nn.Conv2D{Weight: nn.Param("w", filled(c, c, 3, 3)), Pad: nn.Pad(1)}, nn.Residual(residual)))
			linear := g.Reshape(g.Activate(in, nn.GELU), 144, c)
			g.Output("z", g.Linear(linear, nn.Linear{Weight: nn.Param("l", filled(c, c))}, nn.Residual(linear)))
			if !own { // so that nothing dies in either
				g.Output("kept", x)
			}
		})
		require.NoError(t, err)
		exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
		require.NoError(t, err)
		defer exe.Close()
		y, z := tensor.New(tensor.F32, 1, 12, 12, c), tensor.New(tensor.F32, 144, c)
		dst := []*tensor.Tensor{y, z}
		if !own {
			dst = append(dst, tensor.New(tensor.F32, 1, 12, 12, c))
		}
		require.NoError(t, exe.Run(t.Context(), nn.Tensors(dst...), nn.Tensors(filled(1, 12, 12, c))))
		return append(y.Float32s(), z.Float32s()...)
	}
	require.Equal(t, run(false), run(true))
}
