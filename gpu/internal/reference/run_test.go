package reference_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/internal/reference"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/profile"
	"github.com/df65613c/easel/tensor"
)

// filled returns a tensor of numbers that are not all alike.
func filled(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.F32, shape...)
	for i := range t.Float32s() {
		t.Float32s()[i] = float32(i%17)/17 - 0.5
	}
	return t
}

// network records convolutions, a norm, attention, and a time that is embedded.
func network(g *nn.Graph) {
	const c = 8
	w := func(name string, shape ...int) *nn.Weight { return nn.Param(name, filled(shape...)) }
	x := g.Input("x", tensor.F32, 1, 6, 6, c)
	t := g.TimestepEmbedding(g.Input("t", tensor.F32, 1), c)
	h := g.Conv2D(x, nn.Conv2D{Weight: w("conv", c, c, 3, 3), Pad: nn.Pad(1), Norm: &nn.GroupNorm{Groups: 2, Eps: 1e-5, Scale: w("s", c), Shift: w("b", c), Act: nn.SiLU}},
		nn.ChannelBias(g.Linear(t, nn.Linear{Weight: w("time", c, c)})), nn.Residual(x))
	tokens := g.Reshape(h, 1, 36, c)
	a := g.Attention(tokens, tokens, tokens, nn.Attention{Heads: 2})
	g.Output("y", g.Linear(a, nn.Linear{Weight: w("out", c, c), Bias: w("bias", c)}, nn.Residual(tokens)))
}

// program compiles the network.
func program(t *testing.T, b nn.Backend) nn.Executable {
	g, err := nn.Record(network)
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	return exe
}

func operands() (y *tensor.Tensor, dst, src []nn.Memory) {
	y = tensor.New(tensor.F32, 1, 36, 8)
	return y, nn.Tensors(y), nn.Tensors(filled(1, 6, 6, 8), filled(1))
}

// wanted is the network's result by the processor.
func wanted(t *testing.T) []float32 {
	b := cpu.New(cpu.Options{Threads: 1})
	defer b.Close()
	y, dst, src := operands()
	exe := program(t, b)
	defer exe.Close()
	require.NoError(t, exe.Run(t.Context(), dst, src))
	return y.Float32s()
}

func requireClose(t *testing.T, want, got []float32) {
	t.Helper()
	for i, v := range want {
		require.InDelta(t, v, got[i], 1e-5*max(1, math.Abs(float64(v))), "element %d", i)
	}
}

func backendOn(t *testing.T, d *reference.Driver, o run.Options) *run.Backend {
	o.Precision = nn.F32
	b, err := run.New(d, o)
	require.NoError(t, err)
	return b
}

func TestOutOfMemoryAtEachAllocation(t *testing.T) {
	want := wanted(t)
	for _, staged := range []bool{false, true} {
		for n := 0; ; n++ {
			d := reference.New(run.Limits{Unified: !staged})
			d.AllocFault = func(i int) error {
				// The fault and the smaller try that follows it.
				if i == n || i == n+1 {
					return fmt.Errorf("%w: as asked", run.ErrMemory)
				}
				return nil
			}
			b := backendOn(t, d, run.Options{})
			exe := program(t, b)
			y, dst, src := operands()
			err := exe.Run(t.Context(), dst, src)
			if err != nil {
				require.ErrorIs(t, err, run.ErrMemory)
				require.ErrorContains(t, err, "reference")
				require.ErrorContains(t, err, "bytes")
				d.AllocFault = nil
				require.NoError(t, exe.Run(t.Context(), dst, src), "the next run works")
			}
			requireClose(t, want, y.Float32s())
			require.NoError(t, exe.Close())
			require.NoError(t, b.Close())
			bytes, lists := d.Live()
			require.Zero(t, bytes)
			require.Zero(t, lists)
			if err == nil {
				require.GreaterOrEqual(t, n, 3, "slab, upload, readback, weights")
				break
			}
		}
	}
}

func TestDeviceLostAtEachSubmission(t *testing.T) {
	for n := 0; ; n++ {
		d := reference.New(run.Limits{})
		d.SubmitFault = func(i int) error {
			if i == n {
				return fmt.Errorf("%w: as asked", run.ErrLost)
			}
			return nil
		}
		b := backendOn(t, d, run.Options{})
		exe := program(t, b)
		_, dst, src := operands()
		err := exe.Run(t.Context(), dst, src)
		if err != nil {
			require.ErrorIs(t, err, run.ErrLost)
			require.ErrorContains(t, err, "reference")
			require.ErrorIs(t, exe.Run(t.Context(), dst, src), run.ErrLost, "it stays lost")
			g, record := nn.Record(network)
			require.NoError(t, record)
			_, again := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
			require.ErrorIs(t, again, run.ErrLost)
		}
		require.NoError(t, exe.Close())
		require.NoError(t, b.Close())
		bytes, lists := d.Live()
		require.Zero(t, bytes)
		require.Zero(t, lists)
		if err == nil {
			require.Greater(t, n, 2)
			return
		}
	}
}

func TestCancelledRunsEndSoon(t *testing.T) {
	want := wanted(t)
	// Slow enough for each pass to be submitted by itself.
	d := reference.New(run.Limits{Rate: 1, Bytes: 1})
	b := backendOn(t, d, run.Options{})
	defer b.Close()
	exe := program(t, b)
	defer exe.Close()
	y, dst, src := operands()
	require.NoError(t, exe.Run(t.Context(), dst, src))
	for after := range 6 {
		ctx, cancel := context.WithCancel(t.Context())
		submitted := 0
		d.OnSubmit = func() {
			if submitted++; submitted == after+1 {
				cancel()
			}
		}
		require.ErrorIs(t, exe.Run(ctx, dst, src), context.Canceled)
		require.Equal(t, after+1, submitted, "nothing is submitted after it")
		d.OnSubmit = nil
		require.NoError(t, exe.Run(t.Context(), dst, src))
		requireClose(t, want, y.Float32s())
		cancel()
	}
}

func TestClosedIsAnError(t *testing.T) {
	b := backendOn(t, reference.New(run.Limits{}), run.Options{})
	exe := program(t, b)
	_, dst, src := operands()
	require.NoError(t, exe.Close())
	require.NoError(t, exe.Close())
	require.ErrorIs(t, exe.Run(t.Context(), dst, src), os.ErrClosed)
	require.NoError(t, b.Close())
	g, err := nn.Record(network)
	require.NoError(t, err)
	_, err = nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestUnknownPrecisionIsAnError(t *testing.T) {
	for _, p := range []nn.Precision{nn.BF16, nn.Int8, "fp16"} {
		_, err := run.New(reference.New(run.Limits{}), run.Options{Precision: p})
		require.ErrorContains(t, err, fmt.Sprintf(`no precision %q; there are [auto f32 f16]`, p))
	}
}

// TestMemoryStaysOnTheDevice gives what one program makes to another, without the host.
func TestMemoryStaysOnTheDevice(t *testing.T) {
	d := reference.New(run.Limits{})
	b := backendOn(t, d, run.Options{})
	g, err := nn.Record(func(g *nn.Graph) { g.Output("y", g.Affine(g.Input("x", tensor.F32, 3, 5), 2, 1)) })
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	first, err := b.New(tensor.F32, 3, 5)
	require.NoError(t, err)
	second, err := b.New(tensor.F32, 3, 5)
	require.NoError(t, err)
	x, y := filled(3, 5), tensor.New(tensor.F32, 3, 5)
	require.NoError(t, exe.Run(t.Context(), []nn.Memory{first}, nn.Tensors(x)))
	require.NoError(t, exe.Run(t.Context(), []nn.Memory{second}, []nn.Memory{first}))
	require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), []nn.Memory{second}))
	for i, v := range x.Float32s() {
		require.InDelta(t, 8*v+7, y.Float32s()[i], 1e-5)
	}
	other := backendOn(t, reference.New(run.Limits{}), run.Options{})
	foreign, err := other.New(tensor.F32, 3, 5)
	require.NoError(t, err)
	require.ErrorContains(t, exe.Run(t.Context(), nn.Tensors(y), []nn.Memory{foreign}), "memory of another device")
	require.NoError(t, nn.Free(first))
	require.NoError(t, nn.Free(first), "twice is once")
	require.ErrorIs(t, exe.Run(t.Context(), nn.Tensors(y), []nn.Memory{first}), os.ErrClosed)
	require.NoError(t, nn.Free(second))
	require.NoError(t, nn.Free(foreign))
	require.NoError(t, other.Close())
	_, err = b.New(tensor.F32, -2)
	require.Error(t, err)
	_, err = b.New(tensor.F64, 2)
	require.ErrorContains(t, err, "F64")
	require.NoError(t, exe.Close())
	require.NoError(t, b.Close())
	bytes, _ := d.Live()
	require.Zero(t, bytes)
}

// TestManyRunsKeepNothing gives a run tensors and memory of the device in turns.
func TestManyRunsKeepNothing(t *testing.T) {
	d := reference.New(run.Limits{})
	b := backendOn(t, d, run.Options{})
	defer b.Close()
	exe := program(t, b)
	defer exe.Close()
	_, dst, src := operands()
	kept, err := b.New(tensor.F32, 1, 36, 8)
	require.NoError(t, err)
	defer nn.Free(kept)
	var bytes int64
	var lists int
	runs := 1000
	if testing.Short() {
		runs = 50
	}
	for i := range runs {
		out := dst
		if i%2 == 1 {
			out = []nn.Memory{kept}
		}
		require.NoError(t, exe.Run(t.Context(), out, src))
		if i == 0 {
			bytes, lists = d.Live()
		}
		nowBytes, nowLists := d.Live()
		require.Equal(t, bytes, nowBytes)
		require.Equal(t, lists, nowLists)
	}
}

// TestExecutablesShareADevice runs several at the same time.
func TestExecutablesShareADevice(t *testing.T) {
	want := wanted(t)
	b := backendOn(t, reference.New(run.Limits{}), run.Options{})
	defer b.Close()
	var all sync.WaitGroup
	for range 4 {
		exe := program(t, b)
		defer exe.Close()
		all.Go(func() {
			for range 5 {
				y, dst, src := operands()
				if err := exe.Run(t.Context(), dst, src); err != nil || math.Abs(float64(want[7]-y.Float32s()[7])) > 1e-5 {
					t.Error(err, y.Float32s()[7], want[7])
				}
			}
		})
	}
	all.Wait()
}

// wide records a layer with a weight of a few MiB.
func wide(t *testing.T, w *nn.Weight) *nn.Graph {
	g, err := nn.Record(func(g *nn.Graph) {
		g.Output("y", g.Linear(g.Input("x", tensor.F32, 1, w.Shape[1]), nn.Linear{Weight: w}))
	})
	require.NoError(t, err)
	return g
}

// TestWeightsAreKeptUntilRoomIsNeeded counts how often weights are read.
func TestWeightsAreKeptUntilRoomIsNeeded(t *testing.T) {
	const side = 512 // 1 MiB
	loads := map[string]int{}
	weight := func(name string) *nn.Weight {
		w := nn.Param(name, filled(side, side))
		load := w.Load
		w.Load = func() (*tensor.Tensor, error) { loads[name]++; return load() }
		return w
	}
	d := reference.New(run.Limits{Unified: true})
	b := backendOn(t, d, run.Options{Memory: 2<<20 + 200<<10})
	defer b.Close()
	use := func(w *nn.Weight) {
		exe, err := nn.Compile(t.Context(), b, wide(t, w), nn.CompileOptions{})
		require.NoError(t, err)
		require.NoError(t, exe.Run(t.Context(), nn.Tensors(tensor.New(tensor.F32, 1, side)), nn.Tensors(filled(1, side))))
		require.NoError(t, exe.Close())
	}
	one, two, three := weight("one"), weight("two"), weight("three")
	use(one)
	use(two)
	use(one)
	require.Equal(t, map[string]int{"one": 1, "two": 1}, loads, "both fit")
	use(three) // in the place of two, which was used before one
	use(one)
	require.Equal(t, map[string]int{"one": 1, "two": 1, "three": 1}, loads)
	use(two)
	require.Equal(t, 2, loads["two"])
	b.Trim()
	require.Zero(t, b.Used())

	shared := weight("shared")
	shared.Source = "a"
	same := weight("same")
	same.Source = "a"
	use(shared)
	use(same)
	require.Zero(t, loads["same"], "the same source is the same weight")
}

// TestIdleProgramsMakeRoom keeps several programs open that fit one at a time.
func TestIdleProgramsMakeRoom(t *testing.T) {
	const side = 512 // 1 MiB
	d := reference.New(run.Limits{Unified: true})
	b := backendOn(t, d, run.Options{Memory: 1<<20 + 200<<10})
	var open []nn.Executable
	for i := range 3 {
		values := filled(side, side)
		values.Float32s()[0] = float32(i)
		exe, err := nn.Compile(t.Context(), b, wide(t, nn.Param("w", values)), nn.CompileOptions{})
		require.NoError(t, err)
		open = append(open, exe)
	}
	x := tensor.New(tensor.F32, 1, side)
	x.Float32s()[0] = 1
	for range 2 {
		for i, exe := range open {
			y := tensor.New(tensor.F32, 1, side)
			require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(x)))
			require.Equal(t, float32(i), y.Float32s()[0])
		}
	}
	for _, exe := range open {
		require.NoError(t, exe.Close())
	}
	require.NoError(t, b.Close())
	bytes, lists := d.Live()
	require.Zero(t, bytes)
	require.Zero(t, lists)
}

func TestProgramsThatDoNotFitSaySo(t *testing.T) {
	b := backendOn(t, reference.New(run.Limits{}), run.Options{Memory: 1 << 20})
	defer b.Close()
	_, err := nn.Compile(t.Context(), b, wide(t, nn.Param("w", filled(1024, 1024))), nn.CompileOptions{})
	var short *nn.MemoryError
	require.ErrorAs(t, err, &short)
	require.EqualValues(t, 1<<20, short.Limit)
	require.Greater(t, short.Least, int64(4<<20))
}

// TestLargeImagesAreMadeInParts: with less memory the result is the same.
func TestLargeImagesAreMadeInParts(t *testing.T) {
	w := func(name string, shape ...int) *nn.Weight { return nn.Param(name, filled(shape...)) }
	g, err := nn.Record(func(g *nn.Graph) {
		const c = 8
		norm := func(name string) *nn.GroupNorm {
			return &nn.GroupNorm{Groups: 2, Eps: 1e-5, Scale: w(name, c), Shift: w(name, c), Act: nn.SiLU}
		}
		x := g.Conv2D(g.Input("x", tensor.F32, 1, 70, 20, c), nn.Conv2D{Weight: w("in", c, c, 3, 3), Pad: nn.Pad(1)})
		h := g.Conv2D(x, nn.Conv2D{Norm: norm("n1"), Weight: w("a", c, c, 3, 3), Pad: nn.Pad(1)})
		x = g.Conv2D(h, nn.Conv2D{Norm: norm("n2"), Weight: w("b", c, c, 3, 3), Pad: nn.Pad(1)}, nn.Residual(x))
		x = g.UpsampleConv2D(x, nn.UpsampleConv2D{Weight: w("up", c, c, 3, 3), Bias: w("bb", c)})
		h = g.Conv2D(x, nn.Conv2D{Norm: norm("n3"), Weight: w("c", c, c, 3, 3), Pad: nn.Pad(1)})
		x = g.Conv2D(h, nn.Conv2D{Norm: norm("n4"), Weight: w("d", c, c, 3, 3), Pad: nn.Pad(1)}, nn.Residual(x))
		g.Output("y", g.Conv2D(x, nn.Conv2D{Norm: norm("n5"), Weight: w("out", 3, c, 3, 3), Pad: nn.Pad(1)}))
	})
	require.NoError(t, err)
	b := backendOn(t, reference.New(run.Limits{}), run.Options{})
	defer b.Close()
	draw := func(memory int64) ([]float32, nn.Footprint) {
		exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{Memory: memory})
		require.NoError(t, err)
		defer exe.Close()
		y := tensor.New(tensor.F32, 1, 140, 40, 3)
		require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(filled(1, 70, 20, 8))))
		return y.Float32s(), exe.Footprint()
	}
	want, whole := draw(0)
	_, err = nn.Compile(t.Context(), b, g, nn.CompileOptions{Memory: 1})
	var short *nn.MemoryError
	require.ErrorAs(t, err, &short)
	require.Less(t, short.Least, whole.Total())
	parts, less := draw(short.Least)
	require.LessOrEqual(t, less.Total(), short.Least)
	requireClose(t, want, parts)
}

// TestHostNodesInTheMiddle embeds a time that the device computed.
func TestHostNodesInTheMiddle(t *testing.T) {
	g, err := nn.Record(func(g *nn.Graph) {
		x := g.Affine(g.Input("x", tensor.F32, 2), 3, 1)
		g.Output("y", g.Affine(g.TimestepEmbedding(x, 6), 2, 0))
	})
	require.NoError(t, err)
	draw := func(b nn.Backend) []float32 {
		exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
		require.NoError(t, err)
		defer exe.Close()
		y := tensor.New(tensor.F32, 2, 6)
		for range 2 {
			require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(filled(2))))
		}
		return y.Float32s()
	}
	here := cpu.New(cpu.Options{Threads: 1})
	defer here.Close()
	d := reference.New(run.Limits{})
	b := backendOn(t, d, run.Options{})
	requireClose(t, draw(here), draw(b))
	require.NoError(t, b.Close())
	_, lists := d.Live()
	require.Zero(t, lists)
}

func TestFaultsOfWeights(t *testing.T) {
	large := filled(4, 4)
	large.Float32s()[3] = 1e6
	missing := nn.Param("gone", filled(4, 4))
	missing.Load = func() (*tensor.Tensor, error) { return nil, errors.New("no such tensor") }
	negative := nn.Param("q", tensor.New(tensor.I8, 4, 4))
	scales := filled(4)
	scales.Float32s()[1] = -1
	negative.Scale = nn.Param("q_scale", scales)
	for want, w := range map[string]*nn.Weight{
		"weight large holds 1e+06, which half precision does not": nn.Param("large", large),
		"weight gone: no such tensor":                             missing,
		"weight q_scale: scale":                                   negative,
		"weight ints is I64":                                      nn.Param("ints", tensor.New(tensor.I64, 4, 4)),
	} {
		d := reference.New(run.Limits{})
		b, err := run.New(d, run.Options{Precision: nn.F16})
		require.NoError(t, err)
		exe, err := nn.Compile(t.Context(), b, wide(t, w), nn.CompileOptions{})
		require.NoError(t, err)
		require.ErrorContains(t, exe.Run(t.Context(), nn.Tensors(tensor.New(tensor.F32, 1, 4)), nn.Tensors(filled(1, 4))), want)
		require.NoError(t, exe.Close())
		require.NoError(t, b.Close())
		bytes, _ := d.Live()
		require.Zero(t, bytes)
	}
}

// TestStoredTypes: each type of weight has the numbers that it stores.
func TestStoredTypes(t *testing.T) {
	here := cpu.New(cpu.Options{Threads: 1})
	defer here.Close()
	whole := filled(5, 7)
	wideOnes, err := filled(7, 5).Permute(1, 0)
	require.NoError(t, err)
	for name, w := range map[string]*tensor.Tensor{"F32": whole, "strided": wideOnes} {
		for _, dt := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			stored := w
			if dt != tensor.F32 {
				stored, err = w.Convert(dt)
				require.NoError(t, err)
			}
			for _, staged := range []bool{false, true} {
				b := backendOn(t, reference.New(run.Limits{Unified: true}), run.Options{Staged: staged})
				draw := func(b nn.Backend) []float32 {
					exe, err := nn.Compile(t.Context(), b, wide(t, nn.Param("w", stored)), nn.CompileOptions{})
					require.NoError(t, err)
					defer exe.Close()
					y := tensor.New(tensor.F32, 1, 5)
					require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(filled(1, 7))))
					return y.Float32s()
				}
				requireClose(t, draw(here), draw(b))
				require.NoError(t, b.Close(), "%s %s", name, dt)
			}
		}
	}
}

func TestProfileNamesOperations(t *testing.T) {
	p := new(profile.Profile)
	b := backendOn(t, reference.New(run.Limits{}), run.Options{Profile: p})
	defer b.Close()
	exe := program(t, b)
	defer exe.Close()
	_, dst, src := operands()
	require.NoError(t, exe.Run(t.Context(), dst, src))
	var table bytes.Buffer
	require.NoError(t, p.WriteTable(&table))
	for _, op := range []string{"Conv2D", "Linear", "Attention"} {
		require.Contains(t, table.String(), op)
	}
}
