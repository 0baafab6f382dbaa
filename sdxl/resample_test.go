package sdxl

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func readNRGBA(t *testing.T, name string) *image.NRGBA {
	f, err := os.Open("testdata/resample/" + name)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	out := image.NewNRGBA(img.Bounds())
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			out.Set(x, y, color.NRGBAModel.Convert(img.At(x, y)))
		}
	}
	return out
}

func TestResizeEqualsPillow(t *testing.T) {
	src := readNRGBA(t, "input.png")
	for _, size := range []image.Point{{40, 24}, {48, 32}, {45, 16}, {8, 29}, {104, 8}, {5, 200}} {
		want := readNRGBA(t, fmt.Sprintf("%dx%d.png", size.X, size.Y))
		require.Equal(t, want.Pix, resizeLanczos(src, size.X, size.Y).Pix, "%v", size)
	}
	require.Equal(t, src.Pix, resizeLanczos(src, 45, 29).Pix)
}
