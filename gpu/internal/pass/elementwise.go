package pass

import (
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
)

// elementwise adds passes of an operation on one or two operands of one shape.
func (c *compiler) elementwise(n *nn.Node, op uint32, act nn.Activation, scale, shift float32) {
	x, y := c.all(n.In[0]), c.all(n.Out)
	b := none
	if len(n.In) > 1 {
		b = c.all(n.In[1])
	}
	c.mapping(op, act, x, b, y, n.Out.Shape().NumElements(), scale, shift)
}

func (c *compiler) mapping(op uint32, act nn.Activation, x, b, y operand, total int, scale, shift float32) {
	spec := []uint32{op, uint32(act), uint32(x.format), uint32(b.format), uint32(y.format)}
	some := c.rows(total, 4, 0)
	if some > 1 {
		some &^= 1 // so that halves begin at whole words
	}
	for i := 0; i < total; i += some {
		k := min(some, total-i)
		second := b
		if b.kind != nothing {
			second = b.sub(i, k)
		}
		c.emit(kernel.Map, spec, ceil(k, 2*kernel.Threads), 0, []operand{x.sub(i, k), second, y.sub(i, k).to()}, k, 1, 1, scale, shift)
	}
}

// copyWords copies numbers, which may be halves behind.
func (c *compiler) copyWords(x, y operand, n int) { c.mapping(kernel.Affine, 0, x, none, y, n, 1, 0) }

// add adds two values of one shape, or [B,1,..,1,C] to each pixel.
func (c *compiler) add(n *nn.Node) {
	x, b, y := n.In[0], n.In[1], n.Out
	if b.Shape().Equal(x.Shape()) {
		c.elementwise(n, kernel.Add, 0, 0, 0)
		return
	}
	spec := []uint32{kernel.AddChannels, 0, uint32(c.format(x)), uint32(c.format(b)), uint32(c.format(y))}
	im := imageOf(y)
	rows := c.rows(im.pixels, 4*int64(im.channels), 0)
	for image := range im.batch {
		for p := 0; p < im.pixels; p += rows {
			from, size := (image*im.pixels+p)*im.channels, min(rows, im.pixels-p)*im.channels
			args := []operand{c.part(x, from, size), c.part(b, image*im.channels, im.channels), c.part(y, from, size).to()}
			c.emit(kernel.Map, spec, ceil(size, 2*kernel.Threads), 0, args, size, im.channels, size)
		}
	}
}

func (c *compiler) geglu(n *nn.Node) {
	x, y, half := n.In[0], n.Out, n.Out.Dim(-1)
	spec := []uint32{kernel.GEGLU, 0, uint32(c.format(x)), 0, uint32(c.format(y))}
	total := y.Shape().NumElements() / half
	rows := c.rows(total, 8*int64(half), 0)
	for r := 0; r < total; r += rows {
		some := min(rows, total-r)
		args := []operand{c.part(x, 2*r*half, 2*some*half), none, c.part(y, r*half, some*half).to()}
		c.emit(kernel.Map, spec, ceil(some*half, 2*kernel.Threads), 0, args, some*half, half, 1)
	}
}
