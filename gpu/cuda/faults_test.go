package cuda_test

import (
	"math"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/cuda"
	"github.com/df65613c/easel/gpu/cuda/cu"
	"github.com/df65613c/easel/gpu/cuda/internal/fake"
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

// compiled is a network of a convolution with its norm and of attention.
func compiled(t *testing.T, b nn.Backend) nn.Executable {
	const c = 8
	w := func(name string, shape ...int) *nn.Weight { return nn.Param(name, filled(shape...)) }
	g, err := nn.Record(func(g *nn.Graph) {
		x := g.Input("x", tensor.F32, 1, 6, 6, c)
		h := g.Conv2D(x, nn.Conv2D{Weight: w("conv", c, c, 3, 3), Pad: nn.Pad(1), Norm: &nn.GroupNorm{Groups: 2, Eps: 1e-5, Scale: w("s", c), Shift: w("b", c), Act: nn.SiLU}}, nn.Residual(x))
		tokens := g.Reshape(h, 1, 36, c)
		q := g.Linear(tokens, nn.Linear{Weight: w("q", c, c)})
		g.Output("y", g.Linear(g.Attention(q, q, q, nn.Attention{Heads: 1}), nn.Linear{Weight: w("out", c, c), Bias: w("bias", c)}, nn.Residual(tokens)))
	})
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	return exe
}

func operands() (y *tensor.Tensor, dst, src []nn.Memory) {
	y = tensor.New(tensor.F32, 1, 36, 8)
	return y, nn.Tensors(y), nn.Tensors(filled(1, 6, 6, 8))
}

// wanted is the network's result by the processor.
func wanted(t *testing.T) []float32 {
	b := cpu.New(cpu.Options{Threads: 1})
	defer b.Close()
	exe := compiled(t, b)
	defer exe.Close()
	y, dst, src := operands()
	require.NoError(t, exe.Run(t.Context(), dst, src))
	return y.Float32s()
}

func requireClose(t *testing.T, want, got []float32) {
	t.Helper()
	for i, v := range want {
		require.InDelta(t, v, got[i], 1e-5*max(1, math.Abs(float64(v))), "element %d", i)
	}
}

func opened(t *testing.T, l *fake.Library, o run.Options) *run.Backend {
	d, err := cuda.OpenBy(fake.Use(l), 0)
	require.NoError(t, err)
	b, err := run.New(d, o)
	require.NoError(t, err)
	return b
}

func TestOutOfMemoryAtEachAllocation(t *testing.T) {
	want := wanted(t)
	for n := 0; ; n++ {
		l := &fake.Library{OnAlloc: func(i int) cu.Result {
			if i == n || i == n+1 { // the fault, and the smaller try that follows it
				return cu.OutOfMemory
			}
			return cu.Success
		}}
		b := opened(t, l, run.Options{Precision: nn.F32})
		exe := compiled(t, b)
		y, dst, src := operands()
		err := exe.Run(t.Context(), dst, src)
		if err != nil {
			require.ErrorIs(t, err, run.ErrMemory)
			require.ErrorContains(t, err, fake.Name)
			require.Regexp(t, regexp.MustCompile(`\d+ bytes`), err.Error())
			l.OnAlloc = nil
			require.NoError(t, exe.Run(t.Context(), dst, src), "the next run works")
		}
		requireClose(t, want, y.Float32s())
		require.NoError(t, exe.Close())
		require.NoError(t, b.Close())
		require.NoError(t, l.Fault())
		require.Empty(t, l.Live())
		if err == nil {
			require.GreaterOrEqual(t, n, 3, "slab, upload, readback, weights")
			return
		}
	}
}

func TestDeviceLostAtEachLaunch(t *testing.T) {
	want := wanted(t)
	for n := 0; ; n++ {
		l := &fake.Library{OnLaunch: func(i int) cu.Result {
			if i == n {
				return cu.LaunchFailed
			}
			return cu.Success
		}}
		b := opened(t, l, run.Options{Precision: nn.F32})
		exe := compiled(t, b)
		y, dst, src := operands()
		err := exe.Run(t.Context(), dst, src)
		if err != nil {
			require.ErrorIs(t, err, run.ErrLost)
			require.ErrorContains(t, err, fake.Name)
			require.ErrorIs(t, exe.Run(t.Context(), dst, src), run.ErrLost, "it stays lost")
		}
		require.NoError(t, exe.Close())
		require.NoError(t, b.Close())
		require.Empty(t, l.Live(), "what is lost goes with its context")
		if err == nil {
			requireClose(t, want, y.Float32s())
			require.Greater(t, n, 2)
			return
		}
		if n == 0 { // opening it again works
			l.OnLaunch = nil
			again := opened(t, l, run.Options{Precision: nn.F32})
			exe := compiled(t, again)
			require.NoError(t, exe.Run(t.Context(), dst, src))
			requireClose(t, want, y.Float32s())
			require.NoError(t, exe.Close())
			require.NoError(t, again.Close())
		}
	}
}

// TestKernelThatFaults loses the device while it works.
func TestKernelThatFaults(t *testing.T) {
	l := &fake.Library{OnText: func(text string) string {
		return regexp.MustCompile(`(?m)^(\s*)ld\.global\.f32 (.*)\[(%rd\d+)\]`).ReplaceAllString(text, "${1}ld.global.f32 ${2}[${3}+4000000000]")
	}}
	b := opened(t, l, run.Options{Precision: nn.F32})
	exe := compiled(t, b)
	_, dst, src := operands()
	err := exe.Run(t.Context(), dst, src)
	require.ErrorIs(t, err, run.ErrLost)
	require.ErrorContains(t, err, "CUDA_ERROR_ILLEGAL_ADDRESS")
	require.ErrorContains(t, err, fake.Name)
	require.ErrorContains(t, l.Fault(), "in no allocation")
	require.NoError(t, exe.Close())
	require.NoError(t, b.Close())
	require.Empty(t, l.Live())
}

func TestDevicesThatCannotBeUsed(t *testing.T) {
	_, err := cuda.OpenBy(fake.Use(&fake.Library{Devices: 2}), 2)
	require.ErrorContains(t, err, "cuda: no device 2; there are 2")
	_, err = cuda.OpenBy(fake.Use(&fake.Library{Devices: -1}), 0)
	require.ErrorContains(t, err, "cuda: no device")
	_, err = cuda.OpenBy(fake.Use(&fake.Library{Capability: 52}), 0)
	require.ErrorContains(t, err, fake.Name+" has compute capability 5.2, want 6.0")
	if _, err := cuda.Devices(); err != nil { // no driver here
		require.ErrorContains(t, err, "cuda: no driver")
	}
}

// TestOlderDevices have no tensor cores.
func TestOlderDevices(t *testing.T) {
	l := &fake.Library{Capability: 61}
	b := backend(t, l, run.Options{Precision: nn.F16})
	exe := compiled(t, b)
	defer exe.Close()
	y, dst, src := operands()
	require.NoError(t, exe.Run(t.Context(), dst, src))
	for i, v := range wanted(t) {
		require.InDelta(t, v, y.Float32s()[i], 5e-3)
	}
	for _, name := range l.Names() {
		require.NotRegexp(t, "matmul|attention", name)
	}
}

func TestTimesOfOperations(t *testing.T) {
	p := new(profile.Profile)
	b := backend(t, new(fake.Library), run.Options{Precision: nn.F32, Profile: p})
	exe := compiled(t, b)
	defer exe.Close()
	_, dst, src := operands()
	require.NoError(t, exe.Run(t.Context(), dst, src))
	require.Equal(t, 2*time.Millisecond, p.Took("Linear"), "a millisecond for each kernel")
}
