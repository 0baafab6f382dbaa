package cpu

import (
	"fmt"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// split returns the products of the sizes before and after an axis.
func split(s tensor.Shape, axis int) (outer, inner int) {
	return s[:axis].NumElements(), s[axis+1:].NumElements()
}

func (c *compiler) concat(n *nn.Node, op nn.Concat) {
	y, e := n.Out, c.executable
	outer, inner := split(y.Shape(), op.Axis)
	width := y.Dim(op.Axis) * inner
	blocks, size := rowBlocks(outer, width)
	c.step(blocks, 0, func(_, unit int) {
		dst := e.f32(y)
		at := 0
		for _, v := range n.In {
			src, w := e.f32(v), v.Dim(op.Axis)*inner
			for r := unit * size; r < min((unit+1)*size, outer); r++ {
				copy(dst[r*width+at:r*width+at+w], src[r*w:(r+1)*w])
			}
			at += w
		}
	})
}

func (c *compiler) slice(n *nn.Node, op nn.Slice) {
	x, y, e := n.In[0], n.Out, c.executable
	outer, inner := split(x.Shape(), op.Axis)
	from, width, w := op.Start*inner, x.Dim(op.Axis)*inner, (op.Stop-op.Start)*inner
	blocks, size := rowBlocks(outer, w)
	c.step(blocks, 0, func(_, unit int) {
		src, dst := e.f32(x), e.f32(y)
		for r := unit * size; r < min((unit+1)*size, outer); r++ {
			copy(dst[r*w:(r+1)*w], src[r*width+from:r*width+from+w])
		}
	})
}

// upsample reads the pixel floor(i H / OH), as torch's "nearest" does.
func (c *compiler) upsample(n *nn.Node, op nn.Upsample) {
	x, y, e := n.In[0], n.Out, c.executable
	h, w, ch := x.Dim(1), x.Dim(2), x.Dim(3)
	c.step(x.Dim(0)*op.H, 0, func(_, unit int) {
		b, row := unit/op.H, unit%op.H
		src := e.f32(x)[(b*h+row*h/op.H)*w*ch:]
		dst := e.f32(y)[unit*op.W*ch:]
		for i := range op.W {
			copy(dst[i*ch:(i+1)*ch], src[i*w/op.W*ch:][:ch])
		}
	})
}

func (c *compiler) transpose(n *nn.Node, op nn.Transpose) {
	x, y, e := n.In[0], n.Out, c.executable
	rank := len(op.Perm)
	if rank == 0 {
		c.copy(n)
		return
	}
	strides := x.Shape().RowMajor()
	width, step := y.Dim(-1), strides[op.Perm[rank-1]]
	rows := y.Shape().NumElements() / width
	blocks, size := rowBlocks(rows, width)
	c.step(blocks, 0, func(_, unit int) {
		src, dst := e.f32(x), e.f32(y)
		for r := unit * size; r < min((unit+1)*size, rows); r++ {
			at, rest := 0, r
			for i := rank - 2; i >= 0; i-- {
				at += rest % y.Dim(i) * strides[op.Perm[i]]
				rest /= y.Dim(i)
			}
			row := dst[r*width : (r+1)*width]
			for i := range row {
				row[i] = src[at+i*step]
			}
		}
	})
}

func (c *compiler) copy(n *nn.Node) {
	x, y, e := n.In[0].Root(), n.Out.Root(), c.executable
	c.step(1, 0, func(_, _ int) { copy(e.mem[y.ID()], e.mem[x.ID()]) })
}

func (c *compiler) cast(n *nn.Node) error {
	if n.In[0].DType() != n.Out.DType() {
		return fmt.Errorf("cpu: no Cast from %s to %s", n.In[0].DType(), n.Out.DType())
	}
	c.copy(n)
	return nil
}
