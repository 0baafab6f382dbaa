package gpu_test

import (
	"cmp"
	"image"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/golden/picturetest"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/demo"
)

// open opens the first device, or the one that EASEL_TEST_DEVICE names. Without one the test
// is skipped, and with one that is only the processor, which is slow; EASEL_REQUIRE_VULKAN
// asks for it all the same.
func open(t *testing.T, o gpu.Options) nn.Backend {
	id := cmp.Or(os.Getenv("EASEL_TEST_DEVICE"), "vulkan")
	if os.Getenv("EASEL_REQUIRE_VULKAN")+os.Getenv("EASEL_TEST_DEVICE") == "" {
		list, err := gpu.Devices(t.Context())
		if err != nil {
			t.Skip(err)
		}
		if !list[0].Real() {
			t.Skipf("%s: EASEL_REQUIRE_VULKAN is not set", list[0].Name)
		}
	}
	o.Cache = t.TempDir()
	b, err := gpu.Open(id, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// TestPictures makes the reference's pictures and compares everything on the way.
func TestPictures(t *testing.T) {
	b := open(t, gpu.Options{Precision: nn.F32})
	for _, name := range golden.Models {
		t.Run(name, func(t *testing.T) {
			m, err := sdxl.Open(golden.Path(name, "model"), sdxl.OpenOptions{})
			require.NoError(t, err)
			defer m.Close()
			picturetest.Run(t, sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}), golden.Path(name, "pictures"))
		})
	}
}

// TestDemoPicture draws what the processor draws.
func TestDemoPicture(t *testing.T) {
	m, err := demo.Open(sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	here := cpu.New(cpu.Options{})
	defer here.Close()
	draw := func(b nn.Backend) *image.NRGBA {
		r, err := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}).Generate(t.Context(), sdxl.Options{Prompt: "a red circle", Steps: new(4), Seed: new(int64(1))})
		require.NoError(t, err)
		return r.Images[0]
	}
	want := draw(here)
	for precision, most := range map[nn.Precision]int{nn.F32: 1, nn.F16: 4} {
		got := draw(open(t, gpu.Options{Precision: precision}))
		worst := 0
		for i, v := range want.Pix {
			worst = max(worst, int(v)-int(got.Pix[i]), int(got.Pix[i])-int(v))
		}
		require.LessOrEqual(t, worst, most, "%s", precision)
	}
}
