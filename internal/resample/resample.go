// Package resample resizes pictures as Pillow does, which the reference resizes
// with: one axis after the other in fixed point, rounded to 8 bits in between,
// with filters that widen where a picture shrinks.
package resample

import (
	"image"
	"math"
	"runtime"
	"sync"
)

// coefficientBits is the precision of the fixed-point weights.
const coefficientBits = 22

// taps are the weights of the input pixels from start on that make one output pixel.
type taps struct {
	start   int
	weights []int32
}

// Resize resizes a picture to w x h pixels. Alpha is a channel like the others.
func Resize(src *image.NRGBA, w, h int, f Filter) *image.NRGBA {
	return Crop(src, w, h, image.Rect(0, 0, w, h), f)
}

// Crop makes the part of a picture resized to w x h pixels that lies in r, whose
// corner becomes 0,0. r must lie within the resized picture.
func Crop(src *image.NRGBA, w, h int, r image.Rectangle, f Filter) *image.NRGBA {
	b := src.Bounds()
	columns, rows := f.taps(b.Dx(), w)[r.Min.X:r.Max.X], f.taps(b.Dy(), h)[r.Min.Y:r.Max.Y]
	// Pillow 13 takes the columns first where the height shrinks by far more.
	if shrink := b.Dy() - h; shrink > 0 && shrink > 2*(b.Dx()-w) {
		src = resizeColumns(src, rows)
		return resizeRows(src, columns, 0, src.Bounds().Dy())
	}
	// Only the rows that the columns are made of.
	first, last := rows[0].start, 0
	for _, t := range rows {
		first, last = min(first, t.start), max(last, t.start+len(t.weights))
	}
	src = resizeRows(src, columns, first, last)
	for i := range rows {
		rows[i].start -= first
	}
	return resizeColumns(src, rows)
}

// inBands calls f with the bounds of bands of n rows, on several goroutines.
func inBands(n int, f func(from, to int)) {
	bands := min(runtime.GOMAXPROCS(0), (n+15)/16)
	var done sync.WaitGroup
	for i := range bands {
		done.Go(func() { f(i*n/bands, (i+1)*n/bands) })
	}
	done.Wait()
}

// resizeRows gives the rows from first up to last of a picture another width.
func resizeRows(src *image.NRGBA, columns []taps, first, last int) *image.NRGBA {
	dst := image.NewNRGBA(image.Rect(0, 0, len(columns), last-first))
	inBands(last-first, func(from, to int) {
		for y := from; y < to; y++ {
			row, out := src.Pix[(y+first)*src.Stride:], dst.Pix[y*dst.Stride:]
			for x := range columns {
				columns[x].apply(out[4*x:4*x+4:4*x+4], row[4*columns[x].start:], 4)
			}
		}
	})
	return dst
}

// resizeColumns gives a picture another height.
func resizeColumns(src *image.NRGBA, rows []taps) *image.NRGBA {
	width := src.Bounds().Dx()
	dst := image.NewNRGBA(image.Rect(0, 0, width, len(rows)))
	inBands(len(rows), func(from, to int) {
		for y := from; y < to; y++ {
			for x := range width {
				rows[y].apply(dst.Pix[y*dst.Stride+4*x:][:4], src.Pix[rows[y].start*src.Stride+4*x:], src.Stride)
			}
		}
	})
	return dst
}

// apply sets a pixel to the weighted sum of pixels that are stride bytes apart.
func (t *taps) apply(dst, src []uint8, stride int) {
	const half = int32(1) << (coefficientBits - 1)
	r, g, b, a := half, half, half, half
	for i, k := range t.weights {
		p := src[i*stride:][:4]
		r += int32(p[0]) * k
		g += int32(p[1]) * k
		b += int32(p[2]) * k
		a += int32(p[3]) * k
	}
	dst[0], dst[1], dst[2], dst[3] = clamp(r), clamp(g), clamp(b), clamp(a)
}

func clamp(sum int32) uint8 { return uint8(min(max(sum>>coefficientBits, 0), 255)) }

// taps returns the weights of each of out pixels made from in pixels.
func (f Filter) taps(in, out int) []taps {
	list := make([]taps, out)
	if in == out { // Pillow leaves this axis as it is
		for x := range list {
			list[x] = taps{x, []int32{1 << coefficientBits}}
		}
		return list
	}
	scale := float64(in) / float64(out)
	widen := max(scale, 1)
	support := f.support * widen
	for x := range list {
		center := (float64(x) + 0.5) * scale
		first, last := max(int(center-support+0.5), 0), min(int(center+support+0.5), in)
		weights := make([]float64, last-first)
		sum := 0.0
		for i := range weights {
			weights[i] = f.at((float64(first+i) - center + 0.5) / widen)
			sum += weights[i]
		}
		list[x] = taps{first, make([]int32, len(weights))}
		for i, k := range weights {
			list[x].weights[i] = int32(math.Round(k / sum * (1 << coefficientBits)))
		}
	}
	return list
}
