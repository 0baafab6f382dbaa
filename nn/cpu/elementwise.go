package cpu

import (
	"github.com/df65613c/easel/internal/kernel/act"
	"github.com/df65613c/easel/internal/kernel/vec"
	"github.com/df65613c/easel/nn"
)

// chunks adds a pass over n elements, of which f handles from up to to.
func (c *compiler) chunks(n int, f func(from, to int)) {
	c.step((n+chunkElements-1)/chunkElements, 0, func(_, unit int) {
		from := unit * chunkElements
		f(from, min(from+chunkElements, n))
	})
}

func (c *compiler) activate(n *nn.Node, op nn.Activate) {
	x, y, e, f := n.In[0], n.Out, c.executable, epilogue(op.Act)
	c.chunks(y.Shape().NumElements(), func(from, to int) {
		dst := e.f32(y)[from:to]
		copy(dst, e.f32(x)[from:to])
		if f != nil {
			f(dst)
		}
	})
}

func (c *compiler) add(n *nn.Node) {
	a, b, y, e := n.In[0], n.In[1], n.Out, c.executable
	if !b.Shape().Equal(a.Shape()) {
		c.addChannels(n)
		return
	}
	c.chunks(y.Shape().NumElements(), func(from, to int) {
		vec.Add(e.f32(y)[from:to], e.f32(a)[from:to], e.f32(b)[from:to])
	})
}

// addChannels adds [B,1,..,1,C] to every pixel of [B,..,C].
func (c *compiler) addChannels(n *nn.Node) {
	a, b, y, e := n.In[0], n.In[1], n.Out, c.executable
	ch := y.Dim(-1)
	rows := y.Shape().NumElements() / ch
	pixels := rows / y.Dim(0)
	blocks, size := rowBlocks(rows, ch)
	c.step(blocks, 0, func(_, unit int) {
		for r := unit * size; r < min((unit+1)*size, rows); r++ {
			vec.Add(e.f32(y)[r*ch:(r+1)*ch], e.f32(a)[r*ch:(r+1)*ch], e.f32(b)[r/pixels*ch:][:ch])
		}
	})
}

func (c *compiler) mul(n *nn.Node) {
	a, b, y, e := n.In[0], n.In[1], n.Out, c.executable
	c.chunks(y.Shape().NumElements(), func(from, to int) {
		vec.Mul(e.f32(y)[from:to], e.f32(a)[from:to], e.f32(b)[from:to])
	})
}

func (c *compiler) affine(n *nn.Node, op nn.Affine) {
	x, y, e := n.In[0], n.Out, c.executable
	c.chunks(y.Shape().NumElements(), func(from, to int) {
		vec.Affine(e.f32(y)[from:to], e.f32(x)[from:to], op.Scale, op.Shift)
	})
}

func (c *compiler) geglu(n *nn.Node) {
	x, y := n.In[0], n.Out
	e, half := c.executable, y.Dim(-1)
	rows := y.Shape().NumElements() / half
	blocks, size := rowBlocks(rows, half)
	c.step(blocks, c.roundingScratch(y, half), func(worker, unit int) {
		src := e.f32(x)
		for r := unit * size; r < min((unit+1)*size, rows); r++ {
			row := src[2*r*half : 2*(r+1)*half]
			e.write(y, worker, r*half, (r+1)*half, func(dst []float32) { act.GEGLU(dst, row[:half], row[half:]) })
		}
	})
}
