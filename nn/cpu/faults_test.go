package cpu_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

func TestRunAfterCloseIsAnError(t *testing.T) {
	for _, runs := range []int{0, 1} {
		exe, dst, src := compile(t, 2)
		for range runs {
			require.NoError(t, exe.Run(t.Context(), dst, src))
		}
		require.NoError(t, exe.Close())
		require.ErrorIs(t, exe.Run(t.Context(), dst, src), os.ErrClosed)
		require.NoError(t, exe.Close(), "a second time")
	}
}

func TestCompileRefusesAnUnknownPrecision(t *testing.T) {
	for _, p := range []nn.Precision{"fp16", "F32", "int4"} {
		b := cpu.New(cpu.Options{Threads: 1, Precision: p})
		g, err := nn.Record(network)
		require.NoError(t, err)
		_, err = nn.Compile(t.Context(), b, g, nn.CompileOptions{})
		require.ErrorContains(t, err, `no precision "`+string(p)+`"; there are [auto f32 bf16 int8]`)
		require.NoError(t, b.Close())
	}
}

// TestSpillingWaitsForTheFirstRun plans with a folder that does not exist.
func TestSpillingWaitsForTheFirstRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no work memory in files")
	}
	folder := filepath.Join(t.TempDir(), "later")
	b := cpu.New(cpu.Options{Threads: 2, SpillDir: folder})
	defer b.Close()
	g, err := nn.Record(func(g *nn.Graph) {
		x := g.Input("x", tensor.F32, 1, 1<<20)
		g.Output("y", g.Add(g.Affine(x, 2, 1), g.Affine(x, 3, 1)))
	})
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{Memory: 1 << 20, Spill: true})
	require.NoError(t, err)
	defer exe.Close()
	f := exe.Footprint()
	require.GreaterOrEqual(t, f.Spilled, int64(4<<20))
	require.LessOrEqual(t, f.Total(), int64(1<<20))

	x, y := filled(1, 1<<20), tensor.New(tensor.F32, 1, 1<<20)
	src, dst := nn.Tensors(x), nn.Tensors(y)
	require.ErrorContains(t, exe.Run(t.Context(), dst, src), folder)
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, exe.Run(t.Context(), dst, src), "the next run tries again")
	require.InEpsilon(t, 5*x.Float32s()[3]+2, y.Float32s()[3], 1e-6)
}

func TestCopiedWeightsCountAsMemory(t *testing.T) {
	const bytes = 4 * 32 * 64
	var inPlace int64
	for _, copied := range []bool{false, true} {
		w := nn.Param("w", filled(32, 64))
		w.Copied = copied
		g, err := nn.Record(func(g *nn.Graph) {
			x := g.Input("x", tensor.F32, 3, 64)
			g.Output("y", g.Linear(x, nn.Linear{Weight: w}))
			g.Output("z", g.Linear(x, nn.Linear{Weight: w}))
		})
		require.NoError(t, err)
		b := cpu.New(cpu.Options{Threads: 1})
		defer b.Close()
		exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
		require.NoError(t, err)
		f := exe.Footprint()
		if copied {
			require.EqualValues(t, bytes, f.Packed, "once for both layers")
			require.Zero(t, f.Weights)
		} else {
			require.EqualValues(t, bytes, f.Weights)
			require.Zero(t, f.Packed)
			inPlace = f.Total()
		}
		require.NoError(t, exe.Close())
		_, err = nn.Compile(t.Context(), b, g, nn.CompileOptions{Memory: inPlace + bytes/2})
		var short *nn.MemoryError
		require.Equal(t, copied, errors.As(err, &short), "the limit holds for copies")
	}
}

// TestScalesOfInt8AreMadeOnce changes a weight after the first run: the scales
// that another program takes are those of before.
func TestScalesOfInt8AreMadeOnce(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 2, Precision: nn.Int8})
	defer b.Close()
	values := filled(48, 64)
	w := nn.Param("w", values)
	run := func(rows int, w *nn.Weight) []float32 {
		g, err := nn.Record(func(g *nn.Graph) {
			g.Output("y", g.Linear(g.Input("x", tensor.F32, rows, 64), nn.Linear{Weight: w}))
		})
		require.NoError(t, err)
		exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
		require.NoError(t, err)
		defer exe.Close()
		y := tensor.New(tensor.F32, rows, 48)
		require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(filled(rows, 64))))
		return y.Float32s()[:48]
	}
	before := run(64, w)
	require.Equal(t, before, run(80, w))
	values.Float32s()[5] = 100 // row 0 now has another greatest number
	kept := run(64, w)
	fresh := run(64, nn.Param("w", values))
	require.NotEqual(t, fresh[0], kept[0])
	require.Equal(t, fresh[1:], kept[1:])
}

// TestScalesAreMadeAfterACancelledRun stops the first run before them.
func TestScalesAreMadeAfterACancelledRun(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 2, Precision: nn.Int8})
	defer b.Close()
	g, err := nn.Record(func(g *nn.Graph) {
		g.Output("y", g.Linear(g.Input("x", tensor.F32, 64, 64), nn.Linear{Weight: nn.Param("w", filled(48, 64))}))
	})
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	defer exe.Close()
	y := tensor.New(tensor.F32, 64, 48)
	dst, src := nn.Tensors(y), nn.Tensors(filled(64, 64))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, exe.Run(ctx, dst, src), context.Canceled)
	require.NoError(t, exe.Run(t.Context(), dst, src))
	require.NotZero(t, y.Float32s()[1])
}

// TestLongSumsAreNotInInt8 has rows that 32 bits could not add up.
func TestLongSumsAreNotInInt8(t *testing.T) {
	const k = 1<<16 + 4
	b := cpu.New(cpu.Options{Threads: 2, Precision: nn.Int8})
	defer b.Close()
	g, err := nn.Record(func(g *nn.Graph) {
		g.Output("y", g.Linear(g.Input("x", tensor.F32, 64, k), nn.Linear{Weight: nn.Param("w", filled(1, k))}))
	})
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	defer exe.Close()
	x, y := filled(64, k), tensor.New(tensor.F32, 64, 1)
	require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(x)))
	want, w := 0.0, filled(1, k).Float32s()
	for i, v := range x.Float32s()[:k] {
		want += float64(v) * float64(w[i])
	}
	require.InEpsilon(t, want, float64(y.Float32s()[0]), 0.01)
}
