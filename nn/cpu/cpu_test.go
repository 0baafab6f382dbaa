package cpu_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/nntest"
	"github.com/df65613c/easel/tensor"
)

func TestConformance(t *testing.T) {
	for _, threads := range []int{1, 3} {
		t.Run(fmt.Sprintf("threads=%d", threads), func(t *testing.T) {
			b := cpu.New(cpu.Options{Threads: threads})
			defer b.Close()
			nntest.Run(t, b, nntest.Options{})
		})
	}
}

// filled returns a tensor of numbers that are not all alike.
func filled(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.F32, shape...)
	for i, v := range t.Float32s() {
		t.Float32s()[i] = v + float32(i%17)/17 - 0.5
	}
	return t
}

// network records every kind of operation that a UNet has.
func network(g *nn.Graph) {
	const c = 32
	x := g.Input("x", tensor.F32, 2, 16, 16, c)
	w := func(name string, shape ...int) *nn.Weight { return nn.Param(name, filled(shape...)) }
	h := g.GroupNorm(x, nn.GroupNorm{Groups: 8, Eps: 1e-5, Scale: w("s", c), Shift: w("b", c), Act: nn.SiLU})
	h = g.Conv2D(h, nn.Conv2D{Weight: w("conv", c, c, 3, 3), Pad: nn.Pad(1)}, nn.Residual(x))
	h = g.Upsample(g.Conv2D(h, nn.Conv2D{Weight: w("down", c, c, 3, 3), Stride: 2, Pad: nn.Pad(1)}), 16, 16)
	t := g.Reshape(g.Concat(-1, h, x), 2, 256, 2*c)
	n := g.LayerNorm(t, nn.LayerNorm{Eps: 1e-5, Scale: w("ls", 2*c), Shift: w("lb", 2*c)})
	t = g.Linear(g.Attention(n, n, n, nn.Attention{Heads: 4}), nn.Linear{Weight: w("o", 2*c, 2*c), Bias: w("ob", 2*c)}, nn.Residual(t))
	t = g.Linear(g.GEGLU(g.Linear(t, nn.Linear{Weight: w("up", 8*c, 2*c)})), nn.Linear{Weight: w("ff", c, 4*c)})
	g.Output("y", g.Transpose(g.Reshape(t, 2, 16, 16, c), 0, 3, 1, 2))
}

func compile(t *testing.T, threads int) (exe nn.Executable, dst, src []nn.Memory) {
	b := cpu.New(cpu.Options{Threads: threads})
	g, err := nn.Record(network)
	require.NoError(t, err)
	exe, err = nn.Compile(context.Background(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { exe.Close(); b.Close() })
	return exe, nn.Tensors(tensor.New(tensor.F32, 2, 32, 16, 16)), nn.Tensors(filled(2, 16, 16, 32))
}

func TestSameBytesAtAnyThreadCount(t *testing.T) {
	var want []byte
	for _, threads := range []int{1, 2, 3, 7} {
		exe, dst, src := compile(t, threads)
		require.NoError(t, exe.Run(context.Background(), dst, src))
		if want == nil {
			want = dst[0].(*tensor.Tensor).Bytes()
		}
		require.Equal(t, want, dst[0].(*tensor.Tensor).Bytes(), "%d threads", threads)
	}
}

// TestLessMemoryGivesTheSameBytes normalises and doubles images at once and in bands.
func TestLessMemoryGivesTheSameBytes(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 2})
	defer b.Close()
	const c = 64
	w := func(name string, shape ...int) *nn.Weight { return nn.Param(name, filled(shape...)) }
	g, err := nn.Record(func(g *nn.Graph) {
		x := g.Input("x", tensor.F32, 2, 150, 128, c)
		y := g.Conv2D(x, nn.Conv2D{
			Norm:   &nn.GroupNorm{Groups: 8, Eps: 1e-5, Scale: w("s", c), Shift: w("b", c), Act: nn.SiLU},
			Weight: w("w", 8, c, 3, 3), Pad: nn.Pad(1),
		}, nn.ChannelBias(g.Input("bias", tensor.F32, 2, 8)), nn.Residual(g.Input("res", tensor.F32, 2, 150, 128, 8)))
		g.Output("y", g.UpsampleConv2D(y, nn.UpsampleConv2D{Weight: w("up", 20, 8, 3, 3), Bias: w("ub", 20)}))
	})
	require.NoError(t, err)
	src := nn.Tensors(filled(2, 150, 128, c), filled(2, 8), filled(2, 150, 128, 8))
	run := func(memory int64, spill bool) ([]byte, int64) {
		exe, err := nn.Compile(context.Background(), b, g, nn.CompileOptions{Memory: memory, Spill: spill})
		require.NoError(t, err)
		defer exe.Close()
		dst := tensor.New(tensor.F32, 2, 300, 256, 20)
		require.NoError(t, exe.Run(context.Background(), nn.Tensors(dst), src))
		return dst.Bytes(), exe.Footprint().Total()
	}
	want, most := run(0, false)
	got, less := run(4<<20, false)
	require.Equal(t, want, got)
	require.LessOrEqual(t, less, int64(4<<20))
	require.Less(t, less, most)

	_, err = nn.Compile(context.Background(), b, g, nn.CompileOptions{Memory: 1})
	var short *nn.MemoryError
	require.ErrorAs(t, err, &short)
	got, _ = run(short.Least, false)
	require.Equal(t, want, got)
	if runtime.GOOS != "windows" {
		got, less = run(1<<20, true)
		require.Equal(t, want, got)
		require.LessOrEqual(t, less, int64(1<<20))
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	exe, dst, src := compile(t, 2)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	run := func() {
		if err := exe.Run(ctx, dst, src); err != nil {
			t.Error(err)
		}
	}
	run()
	require.Zero(t, testing.AllocsPerRun(20, run))
}

func TestRunStopsSoon(t *testing.T) {
	exe, dst, src := compile(t, 2)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		for {
			if err := exe.Run(ctx, dst, src); err != nil {
				done <- err
				return
			}
		}
	}()
	time.Sleep(20 * time.Millisecond)
	cancel()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(10 * time.Second):
		t.Fatal("still running after the context was cancelled")
	}
}

func TestRunRefusesWrongTensors(t *testing.T) {
	exe, dst, src := compile(t, 1)
	ctx := context.Background()
	require.ErrorContains(t, exe.Run(ctx, dst, nil), "0 inputs given, the program has 1")
	require.ErrorContains(t, exe.Run(ctx, nn.Tensors(nil), src), "output y is nil")
	require.ErrorContains(t, exe.Run(ctx, dst, nn.Tensors(filled(2, 16, 16, 31))), "input x is F32[2 16 16 31], not F32[2 16 16 32]")
}

// foreign is memory that is no tensor.
type foreign struct{ *tensor.Tensor }

func TestRunRefusesMemoryOfAnotherBackend(t *testing.T) {
	exe, dst, src := compile(t, 1)
	other := []nn.Memory{foreign{src[0].(*tensor.Tensor)}}
	require.ErrorContains(t, exe.Run(t.Context(), dst, other), "input x: it is memory of another backend")
	require.NoError(t, exe.Run(t.Context(), dst, src))
}

// TestMemoryOfTheBackend gives the result of one executable to another.
func TestMemoryOfTheBackend(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 1})
	defer b.Close()
	g, err := nn.Record(func(g *nn.Graph) { g.Output("y", g.Affine(g.Input("x", tensor.F32, 2, 3), 2, 1)) })
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	defer exe.Close()
	between, err := b.New(tensor.F32, 2, 3)
	require.NoError(t, err)
	x, y := filled(2, 3), tensor.New(tensor.F32, 2, 3)
	require.NoError(t, exe.Run(t.Context(), []nn.Memory{between}, nn.Tensors(x)))
	require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), []nn.Memory{between}))
	require.NoError(t, nn.Free(between))
	require.Equal(t, 4*x.Float32s()[5]+3, y.Float32s()[5])
	_, err = b.New(tensor.F32, -1)
	require.Error(t, err)
}

func TestWeightFaultsAreErrors(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 1})
	defer b.Close()
	g, err := nn.Record(func(g *nn.Graph) {
		x := g.Input("x", tensor.F32, 1, 4)
		w := nn.Param("bad.weight", tensor.New(tensor.I64, 4, 4))
		g.Output("y", g.Linear(x, nn.Linear{Weight: w}))
	})
	require.NoError(t, err)
	_, err = nn.Compile(context.Background(), b, g, nn.CompileOptions{})
	require.ErrorContains(t, err, "weight bad.weight is I64")
}

func TestFootprintCountsTheSlab(t *testing.T) {
	exe, _, _ := compile(t, 2)
	f := exe.Footprint()
	require.Positive(t, f.Weights)
	require.Positive(t, f.Activations)
	require.Equal(t, f.Packed+f.Activations+f.Scratch, f.Total())
}
