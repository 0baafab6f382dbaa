package pass

import (
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
)

// image is the size of images [B,...,C].
type image struct{ batch, pixels, channels int }

func imageOf(v *nn.Value) image {
	b, ch := v.Dim(0), v.Dim(-1)
	return image{b, v.Shape().NumElements() / b / ch, ch}
}

// blockElements is about how many numbers of a group a work group takes the moments of.
const blockElements = 4096

// moments adds passes that make those of blocks of pixels of each image.
func (c *compiler) moments(x, out operand, im image, groups, size int) {
	blocks := ceil(im.pixels, size)
	spec := []uint32{uint32(x.format)}
	some := c.rows(im.batch*blocks, 4*int64(size*im.channels), 0)
	if some >= im.batch*blocks {
		c.emit(kernel.Moments, spec, im.batch*blocks*groups, 0, []operand{x, out.to()}, im.pixels, im.channels, groups, size, blocks)
		return
	}
	for b := range im.batch {
		for first := 0; first < blocks; first += some {
			n := min(some, blocks-first)
			pixels := min(n*size, im.pixels-first*size)
			args := []operand{
				x.sub((b*im.pixels+first*size)*im.channels, pixels*im.channels),
				out.sub(4*groups*(b*blocks+first), 4*groups*n).to(),
			}
			c.emit(kernel.Moments, spec, n*groups, 0, args, pixels, im.channels, groups, size, n)
		}
	}
}

// affine adds passes that make the factors and terms [B,2,C] of a normalised image.
func (c *compiler) affine(x *nn.Value, op *nn.GroupNorm) (operand, error) {
	im := imageOf(x)
	size := min(im.pixels, max(1, blockElements/(im.channels/op.Groups)))
	blocks := ceil(im.pixels, size)
	moments := c.reserve(4*im.batch*blocks*op.Groups, kernel.F32)
	c.moments(c.all(x), moments, im, op.Groups, size)
	out := c.reserve(2*im.batch*im.channels, kernel.F32)
	return out, c.scale(moments, out, op, im.batch, blocks)
}

// scale adds the pass that makes factors and terms of moments.
func (c *compiler) scale(moments, out operand, op *nn.GroupNorm, batch, blocks int) error {
	gain, shift, err := c.vectors(op.Scale, op.Shift)
	if err != nil {
		return err
	}
	c.emit(kernel.Scale, nil, batch*op.Groups, 0, []operand{moments, gain, shift, out.to()}, blocks,
		op.Scale.Shape[0], op.Groups, op.Eps)
	return nil
}

// normalise adds passes that apply factors and terms to pixels of one or more images.
func (c *compiler) normalise(x, affine, y operand, im image, act nn.Activation) {
	spec := []uint32{uint32(x.format), uint32(y.format), uint32(act)}
	run := func(x, affine, y operand, n, per int) {
		c.emit(kernel.Norm, spec, ceil(n, 2*kernel.Threads), 0, []operand{x, affine, y.to()}, n, per, im.channels)
	}
	per := im.pixels * im.channels
	some := c.rows(im.batch*im.pixels, 4*int64(im.channels), 0)
	if some >= im.batch*im.pixels {
		run(x, affine, y, im.batch*per, per)
		return
	}
	if some > 1 {
		some &^= 1 // so that halves begin at whole words
	}
	for b := range im.batch {
		for first := 0; first < im.pixels; first += some {
			from, n := b*per+first*im.channels, min(some, im.pixels-first)*im.channels
			run(x.sub(from, n), affine.sub(2*b*im.channels, 2*im.channels), y.sub(from, n), n, n)
		}
	}
}

func (c *compiler) groupNorm(n *nn.Node, op nn.GroupNorm) error {
	affine, err := c.affine(n.In[0], &op)
	if err != nil {
		return err
	}
	c.normalise(c.all(n.In[0]), affine, c.all(n.Out), imageOf(n.Out), op.Act)
	return nil
}

// groupScale makes factors and terms from the moments of parts of an image.
// Each row has four numbers for a group, in the 16 bytes of two F64.
func (c *compiler) groupScale(n *nn.Node, op nn.GroupScale) error {
	rows, each := 0, 4*op.Norm.Groups
	for _, v := range n.In {
		rows += v.Dim(0)
	}
	moments := c.reserve(rows*each, kernel.F32)
	at := 0
	for _, v := range n.In {
		size := v.Dim(0) * each
		if err := c.move(copying(c.raw(v), moments.sub(at, size))); err != nil {
			return err
		}
		at += size
	}
	return c.scale(moments, c.all(n.Out), op.Norm, 1, rows)
}

func (c *compiler) layerNorm(n *nn.Node, op nn.LayerNorm) error {
	scale, shift, err := c.vectors(op.Scale, op.Shift)
	if err != nil {
		return err
	}
	x, y, width := n.In[0], n.Out, n.Out.Dim(-1)
	total := y.Shape().NumElements() / width
	rows := c.rows(total, 4*int64(width), 0)
	for r := 0; r < total; r += rows {
		some := min(rows, total-r)
		args := []operand{c.part(x, r*width, some*width), scale, shift, c.part(y, r*width, some*width).to()}
		c.emit(kernel.LayerNorm, []uint32{uint32(c.format(y))}, some, 0, args, width, op.Eps)
	}
	return nil
}
