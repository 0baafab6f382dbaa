package cpu

import (
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/winograd"
	"github.com/df65613c/easel/nn"
)

// band is some rows of some images, in front of a convolution and behind it.
type band struct {
	image, images        int
	in0, in1, out0, out1 int
}

// bands divides the output so that the input of each part takes no more than
// the compiler's band: all images at once if they fit, else rows of one.
func (v *convolution) bands() []band {
	x := v.node.In[0]
	h, w := v.imageSize()
	row := w * x.Dim(3) * 4
	if narrow(v.precision) {
		row /= 2
	}
	all := v.kernel.bandOf(0, v.window.Out, v.window.Out+v.node.Out.Dim(1), h)
	all.images = x.Dim(0)
	size := (all.in1 - all.in0) * row
	if all.images*size <= v.band {
		return []band{all}
	}
	return v.kernel.bands(all, h, (size+v.band-1)/v.band)
}

// bands divides the output rows of each image, whose input has h.
func (k *kernel) bands(all band, h, parts int) []band {
	rows := (all.out1 - all.out0 + parts - 1) / parts
	rows = (rows + winograd.TileRows - 1) / winograd.TileRows * winograd.TileRows // so that bands do not change a bit
	var bands []band
	for image := range all.images {
		for out := all.out0; out < all.out1; out += rows {
			bands = append(bands, k.bandOf(image, out, min(out+rows, all.out1), h))
		}
	}
	return bands
}

// bandOf returns rows of the output of an image with those of the input, which
// has h, that they need.
func (k *kernel) bandOf(image, out0, out1, h int) band {
	b := band{image: image, images: 1, out0: out0, out1: out1}
	first, last := k.reach(b)
	b.in0, b.in1 = max(0, first), min(h, last)
	return b
}

// reach returns the rows that the taps of a band reach, some of them padding.
func (k *kernel) reach(b band) (first, last int) {
	return b.out0*k.stride - k.pad.Top, (b.out1-1)*k.stride - k.pad.Top + k.shape[2]
}

// part is the shape of the convolution of a band of images w pixels wide.
func (k *kernel) part(b band, w int) conv.Shape {
	first, last := k.reach(b)
	s := k.shape
	return conv.Shape{
		B: b.images, H: b.in1 - b.in0, W: w, CI: s[1], CO: s[0], KH: s[2], KW: s[3], Stride: k.stride,
		PadT: b.in0 - first, PadL: k.pad.Left, PadB: last - b.in1, PadR: k.pad.Right,
	}
}

// windowOf returns the window of a node; that of a whole node has all rows.
func windowOf(n *nn.Node, part *nn.Window) nn.Window {
	if part != nil {
		return *part
	}
	return nn.Window{Parts: 1, Height: n.In[0].Dim(1), OutHeight: n.Out.Dim(1)}
}

// row returns where a row of the image that is read lies: a value and the row of it.
func (v *convolution) row(at int) (x *nn.Value, row int) {
	row = at - v.window.First
	for _, x = range v.node.In[:v.window.Parts] {
		if row < x.Dim(1) {
			break
		}
		row -= x.Dim(1)
	}
	return x, row
}
