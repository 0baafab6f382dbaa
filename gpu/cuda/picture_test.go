package cuda_test

import (
	"image"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/cuda/internal/fake"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

// TestPicture draws with the smallest model what the processor draws: text encoders, a
// step of the UNet with guidance, and the decoder.
func TestPicture(t *testing.T) {
	if os.Getenv("EASEL_CUDA_ALL") == "" {
		t.Skip("it takes a minute; EASEL_CUDA_ALL asks for it")
	}
	m, err := sdxl.Open(golden.Path("a", "model"), sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	draw := func(b nn.Backend) *image.NRGBA {
		p := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
		defer func() { require.NoError(t, p.Close()) }()
		r, err := p.Generate(t.Context(),
			sdxl.Options{Prompt: "a red circle", Steps: new(1), Seed: new(int64(1)), Width: 64, Height: 64})
		require.NoError(t, err)
		return r.Images[0]
	}
	here := cpu.New(cpu.Options{})
	defer here.Close()
	want := draw(here)
	for precision, most := range map[nn.Precision]int{nn.F32: 1, nn.F16: 4} {
		t.Run(string(precision), func(t *testing.T) {
			l := new(fake.Library)
			got := draw(backend(t, l, run.Options{Precision: precision}))
			worst := 0
			for i, v := range want.Pix {
				worst = max(worst, int(v)-int(got.Pix[i]), int(got.Pix[i])-int(v))
			}
			require.LessOrEqual(t, worst, most)
			t.Logf("at most %d levels; kernels: %v", worst, l.Names())
		})
	}
}
