package clip

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOnWhiteOfAllKinds holds that the kind of a picture in memory, and where its
// corner is, make no difference.
func TestOnWhiteOfAllKinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	whole := image.Rect(-3, 2, 20, 15)
	part := image.Rect(1, 4, 12, 11)
	colours := image.NewNRGBA(whole)
	for i := range colours.Pix {
		colours.Pix[i] = uint8(r.Uint32())
	}
	opaque := image.NewNRGBA(whole)
	copy(opaque.Pix, colours.Pix)
	for i := 3; i < len(opaque.Pix); i += 4 {
		opaque.Pix[i] = 255
	}
	ycbcr := image.NewYCbCr(whole, image.YCbCrSubsampleRatio420)
	for _, plane := range [][]uint8{ycbcr.Y, ycbcr.Cb, ycbcr.Cr} {
		for i := range plane {
			plane[i] = uint8(r.Uint32())
		}
	}
	gray, rgba, wide := image.NewGray(whole), image.NewRGBA(whole), image.NewNRGBA64(whole)
	for _, dst := range []draw.Image{gray, rgba, wide} {
		draw.Draw(dst, whole, colours, whole.Min, draw.Src)
	}
	for _, img := range []interface {
		image.Image
		SubImage(image.Rectangle) image.Image
	}{colours, opaque, ycbcr, gray, rgba, wide} {
		got := onWhite(img.SubImage(part))
		require.Equal(t, image.Rect(0, 0, part.Dx(), part.Dy()), got.Bounds())
		for y := range part.Dy() {
			for x := range part.Dx() {
				c := color.NRGBAModel.Convert(img.At(part.Min.X+x, part.Min.Y+y)).(color.NRGBA)
				want := color.NRGBA{overWhite(c.R, c.A), overWhite(c.G, c.A), overWhite(c.B, c.A), 255}
				require.Equal(t, want, got.NRGBAAt(x, y), "%T at %d,%d", img, x, y)
			}
		}
	}
	require.EqualValues(t, 255, overWhite(7, 0))
	require.EqualValues(t, 7, overWhite(7, 255))
}
