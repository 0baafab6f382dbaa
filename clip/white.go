package clip

import (
	"image"
	"image/color"
)

// onWhite returns a picture in 8 bits, with what is not opaque laid on white as
// the reference does. The corner of the result is 0,0; its pixels may be those of
// the picture itself.
func onWhite(img image.Image) *image.NRGBA {
	b := img.Bounds()
	size := image.Rect(0, 0, b.Dx(), b.Dy())
	if src, ok := img.(*image.NRGBA); ok && src.Opaque() {
		return &image.NRGBA{Pix: src.Pix[src.PixOffset(b.Min.X, b.Min.Y):], Stride: src.Stride, Rect: size}
	}
	dst := image.NewNRGBA(size)
	at := pixelOf(img)
	for y := range b.Dy() {
		row := dst.Pix[y*dst.Stride:][:4*b.Dx()]
		for x := range b.Dx() {
			c := at(b.Min.X+x, b.Min.Y+y)
			p := row[4*x:][:4]
			p[0], p[1], p[2], p[3] = overWhite(c.R, c.A), overWhite(c.G, c.A), overWhite(c.B, c.A), 255
		}
	}
	return dst
}

// pixelOf returns what reads the pixels of a picture, soon for the kinds that
// decoders give.
func pixelOf(img image.Image) func(x, y int) color.NRGBA {
	switch src := img.(type) {
	case *image.NRGBA:
		return src.NRGBAAt
	case *image.YCbCr:
		return func(x, y int) color.NRGBA {
			i, j := src.YOffset(x, y), src.COffset(x, y)
			r, g, b := color.YCbCrToRGB(src.Y[i], src.Cb[j], src.Cr[j])
			return color.NRGBA{r, g, b, 255}
		}
	case *image.Gray:
		return func(x, y int) color.NRGBA {
			v := src.GrayAt(x, y).Y
			return color.NRGBA{v, v, v, 255}
		}
	case *image.RGBA:
		return func(x, y int) color.NRGBA {
			c := src.RGBAAt(x, y)
			if c.A == 255 {
				return color.NRGBA(c)
			}
			return color.NRGBAModel.Convert(c).(color.NRGBA)
		}
	}
	return func(x, y int) color.NRGBA { return color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA) }
}

// overWhite is Pillow's alpha_composite on an opaque white, with its rounding.
func overWhite(v, a uint8) uint8 {
	if a == 255 {
		return v
	}
	const bits = 7
	sum := uint32(v)*(uint32(a)<<bits) + 255*(uint32(255-a)<<bits) + 0x80<<bits
	return uint8((sum>>8 + sum) >> 8 >> bits)
}
