package vulkan_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/nntest"
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
