package clip

import (
	"image"
	"image/color"
	"image/draw"
)

// onWhite returns a picture in 8 bits, with what is not opaque laid on white as
// the reference does. The corner of the result is 0,0.
func onWhite(img image.Image) *image.NRGBA {
	b := img.Bounds()
	dst := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	switch src := img.(type) {
	case *image.NRGBA:
		for y := range b.Dy() {
			at := src.PixOffset(b.Min.X, b.Min.Y+y)
			copy(dst.Pix[y*dst.Stride:][:4*b.Dx()], src.Pix[at:])
		}
	case *image.YCbCr, *image.Gray:
		draw.Draw(dst, dst.Bounds(), img, b.Min, draw.Src)
		return dst
	default:
		for y := range b.Dy() {
			for x := range b.Dx() {
				dst.SetNRGBA(x, y, color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA))
			}
		}
	}
	for i := 0; i < len(dst.Pix); i += 4 {
		if a := dst.Pix[i+3]; a != 255 {
			for c := range 3 {
				dst.Pix[i+c] = overWhite(dst.Pix[i+c], a)
			}
			dst.Pix[i+3] = 255
		}
	}
	return dst
}

// overWhite is Pillow's alpha_composite on an opaque white, with its rounding.
func overWhite(v, a uint8) uint8 {
	const bits = 7
	sum := uint32(v)*(uint32(a)<<bits) + 255*(uint32(255-a)<<bits) + 0x80<<bits
	return uint8((sum>>8 + sum) >> 8 >> bits)
}
