package demo_test

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden/picturetest"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/demo"
)

// share returns the part of the pixels in a rectangle that a test holds for.
func share(img *image.NRGBA, r image.Rectangle, test func(r, g, b uint8) bool) float64 {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if c := img.NRGBAAt(x, y); test(c.R, c.G, c.B) {
				n++
			}
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy())
}

// TestPictures compares with what diffusers makes of the same folder.
func TestPictures(t *testing.T) {
	picturetest.Run(t, pipeline(t), "testdata")
}

func pipeline(t *testing.T) *sdxl.Pipeline {
	m, err := demo.Open(sdxl.OpenOptions{})
	require.NoError(t, err)
	b := cpu.New(cpu.Options{})
	t.Cleanup(func() { m.Close(); b.Close() })
	return sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
}

// TestRedAboveBlue reads the picture that the README begins with: red in the
// upper half, blue in the lower, and neither where the other is.
func TestRedAboveBlue(t *testing.T) {
	steps, seed := 20, int64(1)
	r, err := pipeline(t).Generate(context.Background(),
		sdxl.Options{Prompt: "a red circle above a blue square", Steps: &steps, Seed: &seed})
	require.NoError(t, err)
	img := r.Images[0]
	require.Equal(t, image.Rect(0, 0, 128, 128), img.Bounds())
	red := func(r, g, b uint8) bool { return r > 150 && g < 100 && b < 100 }
	blue := func(r, g, b uint8) bool { return b > 130 && r < 100 && g < 130 }
	top, bottom := image.Rect(0, 0, 128, 60), image.Rect(0, 68, 128, 128)
	require.Greater(t, share(img, top, red), 0.05)
	require.Greater(t, share(img, bottom, blue), 0.05)
	require.Less(t, share(img, bottom, red), 0.01)
	require.Less(t, share(img, top, blue), 0.01)
}
