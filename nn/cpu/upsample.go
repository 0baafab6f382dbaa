package cpu

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// upsampleConv convolves a doubled image without making it. The taps of 3x3
// that fall on one pixel of the small image add up, so that each of the four
// pixels that it became is a convolution of 2x2 of its own: 4/9 of the work.
func (c *compiler) upsampleConv(index int, n *nn.Node, op nn.UpsampleConv2D) error {
	whole, err := c.kernel(op.Weight, op.Bias, 1, nn.Pad(1))
	if err != nil {
		return err
	}
	x, y, e := n.In[0], n.Out, c.executable
	batch, h, w, co, ci := x.Dim(0), x.Dim(1), x.Dim(2), y.Dim(3), x.Dim(3)
	parts := max(1, (h*w*co*4+c.band-1)/c.band)
	weights := c.reserve(index, co*ci*4*4)
	format := c.formats[y.ID()]
	outAt := c.reserve(index, whole.largest(batch, h, parts)*w*co*format.Size())
	out := func(n int) pixels {
		if format == convert.BF16 {
			return pixels{narrow: elements[uint16](outAt())[:n]}
		}
		return pixels{wide: elements[float32](outAt())[:n]}
	}
	image := func() pixels { return e.pixels(x) }
	if c.precision.narrow() && c.formats[x.Root().ID()] == convert.F32 {
		total := x.Shape().NumElements()
		rounded := c.reserve(index, 2*total)
		image = func() pixels { return pixels{narrow: elements[uint16](rounded())} }
		c.chunks(total, func(from, to int) { convert.NarrowBF16(image().narrow[from:to], e.f32(x)[from:to]) })
	}
	for phase := range 4 {
		py, px := phase/2, phase%2
		k := kernel{
			data:   func() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(weights())) },
			format: convert.F32, bias: whole.bias, shape: tensor.Shape{co, ci, 2, 2}, stride: 1,
			pad: nn.Padding{Top: 1 - py, Left: 1 - px, Bottom: py, Right: px},
		}
		blocks, size := rowBlocks(co, 9*ci)
		c.step(blocks, 9*ci*4, func(worker, unit int) {
			buffer, dst := elements[float32](e.scratch[worker])[:9*ci], elements[float32](weights())
			for o := unit * size; o < min((unit+1)*size, co); o++ {
				whole.matrix().Row(buffer, o, 0)
				addTaps(dst[o*4*ci:(o+1)*4*ci], buffer, py, px)
			}
		})
		for _, b := range k.bands(batch, h, h, parts) {
			count := b.out1 - b.out0
			c.convolve(k.part(b, w), nil, func(o *conv.Operands) {
				in := image().part((b.image*h+b.in0)*w*ci, (b.image*h+b.in1)*w*ci)
				small := out(count * w * co)
				*o = conv.Operands{X: in.wide, X16: in.narrow, W: k.data(), Format: k.format, Bias: k.bias, Y: small.wide, Y16: small.narrow}
			})
			c.step(count, 0, func(_, r int) {
				row := ((b.image*h+b.out0+r)*2 + py) * 2 * w * co
				src, dst := out(count*w*co).part(r*w*co, (r+1)*w*co), e.pixels(y).part(row, row+2*w*co)
				for i := range w {
					dst.part((2*i+px)*co, (2*i+px+1)*co).set(src.part(i*co, (i+1)*co))
				}
			})
		}
	}
	return nil
}

// addTaps sets dst [CI,2,2] to what the taps of src [CI,3,3] are for the pixel
// py, px of the four: those that fall on one pixel of the small image add up.
func addTaps(dst, src []float32, py, px int) {
	// Tap k of 3 reaches pixel (p+k-1)/2, rounded down; the first reached is p-1.
	tap := func(p, k int) int { return (p+k+1)/2 - p }
	clear(dst)
	for ky := range 3 {
		for kx := range 3 {
			at := tap(py, ky)*2 + tap(px, kx)
			for c := 0; c < len(src)/9; c++ {
				dst[4*c+at] += src[9*c+3*ky+kx]
			}
		}
	}
}
