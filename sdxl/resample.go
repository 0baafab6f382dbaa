package sdxl

import (
	"image"
	"math"
)

// coefficientBits is the precision of the fixed-point weights.
const coefficientBits = 22

// taps are the weights of the input pixels from start on that make one output pixel.
type taps struct {
	start   int
	weights []int32
}

// resizeLanczos resizes a picture as Pillow's LANCZOS does, which the reference
// calls: one axis after the other in fixed point, rounded to 8 bits in between.
func resizeLanczos(src *image.NRGBA, w, h int) *image.NRGBA {
	b := src.Bounds()
	// Pillow 13 takes the columns first where the height shrinks by far more.
	if shrink := b.Dy() - h; shrink > 0 && shrink > 2*(b.Dx()-w) {
		return resizeRows(resizeColumns(src, h), w)
	}
	return resizeColumns(resizeRows(src, w), h)
}

// resizeRows gives a picture another width.
func resizeRows(src *image.NRGBA, w int) *image.NRGBA {
	b := src.Bounds()
	if b.Dx() == w {
		return src
	}
	dst := image.NewNRGBA(image.Rect(0, 0, w, b.Dy()))
	for x, t := range lanczosTaps(b.Dx(), w) {
		for y := range b.Dy() {
			t.apply(dst.Pix[y*dst.Stride+4*x:], src.Pix[y*src.Stride+4*t.start:], 4)
		}
	}
	return dst
}

// resizeColumns gives a picture another height.
func resizeColumns(src *image.NRGBA, h int) *image.NRGBA {
	b := src.Bounds()
	if b.Dy() == h {
		return src
	}
	dst := image.NewNRGBA(image.Rect(0, 0, b.Dx(), h))
	for y, t := range lanczosTaps(b.Dy(), h) {
		for x := range b.Dx() {
			t.apply(dst.Pix[y*dst.Stride+4*x:], src.Pix[t.start*src.Stride+4*x:], src.Stride)
		}
	}
	return dst
}

// apply sets a pixel to the weighted sum of pixels that are stride bytes apart.
func (t *taps) apply(dst, src []uint8, stride int) {
	for c := range 4 {
		sum := int32(1 << (coefficientBits - 1))
		for i, k := range t.weights {
			sum += int32(src[i*stride+c]) * k
		}
		dst[c] = uint8(min(max(sum>>coefficientBits, 0), 255))
	}
}

// lanczosTaps returns the weights of each of out pixels made from in pixels.
// The filter is widened where the picture shrinks.
func lanczosTaps(in, out int) []taps {
	const lobes = 3
	scale := float64(in) / float64(out)
	widen := max(scale, 1)
	support := lobes * widen
	list := make([]taps, out)
	for x := range list {
		center := (float64(x) + 0.5) * scale
		first, last := max(int(center-support+0.5), 0), min(int(center+support+0.5), in)
		weights := make([]float64, last-first)
		sum := 0.0
		for i := range weights {
			weights[i] = lanczos((float64(first+i)-center+0.5)/widen, lobes)
			sum += weights[i]
		}
		list[x] = taps{first, make([]int32, len(weights))}
		for i, k := range weights {
			list[x].weights[i] = int32(math.Round(k / sum * (1 << coefficientBits)))
		}
	}
	return list
}

// lanczos is the sinc function, windowed by its own central lobe (Duchon 1979).
func lanczos(x float64, lobes float64) float64 {
	if x < -lobes || x >= lobes {
		return 0
	}
	return sinc(x) * sinc(x/lobes)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
