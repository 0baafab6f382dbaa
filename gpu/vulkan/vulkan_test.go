package vulkan_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/nntest"
	"github.com/df65613c/easel/tensor"
)

// driver opens the first device. Without one the test is skipped, and with one that is
// only the processor, which is slow; EASEL_REQUIRE_VULKAN asks for it all the same.
func driver(t testing.TB, o vulkan.Options) run.Driver {
	if os.Getenv("EASEL_REQUIRE_VULKAN") == "" {
		list, err := vulkan.Devices()
		if err != nil {
			t.Skip(err)
		}
		if list[0].Type == "processor" {
			t.Skipf("%s: EASEL_REQUIRE_VULKAN is not set", list[0].Name)
		}
	}
	d, err := vulkan.Open(0, o)
	require.NoError(t, err)
	return d
}

func backend(t testing.TB, o vulkan.Options, r run.Options) *run.Backend {
	b, err := run.New(driver(t, o), r)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestConformance(t *testing.T) {
	nntest.Run(t, backend(t, vulkan.Options{}, run.Options{Precision: nn.F32}), nntest.Options{})
}

func TestConformanceInHalfPrecision(t *testing.T) {
	nntest.Run(t, backend(t, vulkan.Options{}, run.Options{Precision: nn.F16, Staged: true}), nntest.Options{Tolerance: 2e-3})
}

// TestCancelledRunsEnd stops runs at several places; the next one is right.
func TestCancelledRunsEnd(t *testing.T) {
	b := backend(t, vulkan.Options{}, run.Options{Precision: nn.F32})
	w := tensor.New(tensor.F32, 256, 256)
	for i := range w.Float32s() {
		w.Float32s()[i] = float32(i%13)/128 - 0.04
	}
	g, err := nn.Record(func(g *nn.Graph) {
		x := g.Input("x", tensor.F32, 128, 256)
		for range 24 {
			x = g.Linear(x, nn.Linear{Weight: nn.Param("w", w), Act: nn.SiLU})
		}
		g.Output("y", x)
	})
	require.NoError(t, err)
	exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
	require.NoError(t, err)
	defer exe.Close()
	x, y := tensor.New(tensor.F32, 128, 256), tensor.New(tensor.F32, 128, 256)
	x.Float32s()[5] = 1
	start := time.Now()
	require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(x)))
	whole := time.Since(start)
	want := slices.Clone(y.Float32s())
	cancelled := 0
	for _, share := range []time.Duration{10, 3, 2} {
		ctx, cancel := context.WithTimeout(t.Context(), whole/share)
		if err := exe.Run(ctx, nn.Tensors(y), nn.Tensors(x)); err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			cancelled++
		}
		cancel()
		require.NoError(t, exe.Run(t.Context(), nn.Tensors(y), nn.Tensors(x)))
		require.Equal(t, want, y.Float32s(), "the same bytes on every run of one device")
	}
	require.Positive(t, cancelled)
}
