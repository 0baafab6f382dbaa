package sdxl

import (
	"image"
	"image/color"
	"math"

	"github.com/df65613c/easel/internal/resample"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// toImages turns decoded pictures [B,3,H,W], -1 to 1, into 8 bits as the program
// of a dialect does.
func toImages(t *tensor.Tensor, d sched.Dialect) []*image.NRGBA {
	s, v := t.Shape(), t.Float32s()
	h, w := s[2], s[3]
	images := make([]*image.NRGBA, s[0])
	for b := range images {
		img := image.NewNRGBA(image.Rect(0, 0, w, h))
		plane := v[b*3*h*w:]
		for i := range h * w {
			for c := range 3 {
				img.Pix[4*i+c] = level(plane[c*h*w+i], d)
			}
			img.Pix[4*i+3] = 255
		}
		images[b] = img
	}
	return images
}

// level maps -1..1 to 0..255. diffusers rounds to even, the others cut off.
func level(v float32, d sched.Dialect) uint8 {
	x := 255 * min(max(v/2+0.5, 0), 1)
	if d == sched.Diffusers {
		return uint8(math.RoundToEven(float64(x)))
	}
	return uint8(x)
}

// fromImage turns a picture into [1,3,h,w], -1 to 1, resized to w x h.
func fromImage(img image.Image, w, h int) *tensor.Tensor {
	src := resample.Resize(opaque(img), w, h, resample.Lanczos)
	t := tensor.New(tensor.F32, 1, 3, h, w)
	v := t.Float32s()
	for i := range h * w {
		for c := range 3 {
			v[c*h*w+i] = float32(src.Pix[4*i+c])/255*2 - 1
		}
	}
	return t
}

// opaque drops an alpha channel, as the reference drops it.
func opaque(img image.Image) *image.NRGBA {
	if src, ok := img.(*image.NRGBA); ok && src.Opaque() && src.Rect.Min == (image.Point{}) {
		return src
	}
	b := img.Bounds()
	src := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			c.A = 255
			src.SetNRGBA(x, y, c)
		}
	}
	return src
}
