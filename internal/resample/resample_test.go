package resample

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
	f, err := os.Open("testdata/" + name)
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
	for name, f := range map[string]Filter{"lanczos": Lanczos, "bicubic": Bicubic, "bilinear": Bilinear, "box": Box, "hamming": Hamming} {
		for _, size := range []image.Point{{40, 24}, {48, 32}, {45, 16}, {8, 29}, {104, 8}, {5, 200}, {38, 19}} {
			want := readNRGBA(t, fmt.Sprintf("%s/%dx%d.png", name, size.X, size.Y))
			require.Equal(t, want.Pix, Resize(src, size.X, size.Y, f).Pix, "%s %v", name, size)
		}
		require.Equal(t, src.Pix, Resize(src, 45, 29, f).Pix, name)
	}
}

func TestCropIsAPartOfTheResized(t *testing.T) {
	src := readNRGBA(t, "input.png")
	for _, size := range []image.Point{{40, 24}, {90, 70}, {11, 9}, {104, 8}} {
		whole := Resize(src, size.X, size.Y, Bicubic)
		for _, r := range []image.Rectangle{image.Rect(0, 0, 1, 1), image.Rect(3, 2, 10, 7), image.Rect(size.X-4, size.Y-3, size.X, size.Y)} {
			got := Crop(src, size.X, size.Y, r, Bicubic)
			for y := range r.Dy() {
				for x := range r.Dx() {
					require.Equal(t, whole.NRGBAAt(r.Min.X+x, r.Min.Y+y), got.NRGBAAt(x, y), "%v of %v", r, size)
				}
			}
		}
	}
}

func BenchmarkPhoto(b *testing.B) {
	src := image.NewNRGBA(image.Rect(0, 0, 4000, 3000))
	for b.Loop() {
		Crop(src, 298, 224, image.Rect(37, 0, 261, 224), Bicubic)
	}
}
