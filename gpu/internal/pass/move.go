package pass

import (
	"fmt"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

const axes = 5

// motion is a copy of words along axes.
type motion struct {
	src, dst                     operand // whole values
	from, to                     int     // where they begin, in elements
	sizes, srcSteps, dstSteps    [axes]int
	enlarged                     bool
	height, ofHeight, wide, ofWd int // of an enlarged image, behind and in front
}

// copying copies one operand to another of its size.
func copying(src, dst operand) motion {
	m := motion{src: src, dst: dst}
	for i := range axes {
		m.sizes[i] = 1
	}
	m.sizes[axes-1] = int(dst.size / 4)
	m.srcSteps[axes-1], m.dstSteps[axes-1] = 1, 1
	return m
}

// extent returns how many elements lie from the first to the last of a side.
func (m *motion) extent(steps [axes]int) int {
	n := 1
	for i, s := range steps {
		n += (m.sizes[i] - 1) * s
	}
	return n
}

// source is extent in front, where an enlarged image has fewer pixels.
func (m *motion) source() int {
	if !m.enlarged {
		return m.extent(m.srcSteps)
	}
	n := *m
	n.sizes[1], n.sizes[2] = (m.sizes[1]-1)*m.ofHeight/m.height+1, (m.sizes[2]-1)*m.ofWd/m.wide+1
	return n.extent(n.srcSteps)
}

// move adds the passes of a motion, which is halved until its operands fit bindings.
func (c *compiler) move(m motion) error {
	n, most := 1, int((c.limits.Range-Align)/4)
	for _, s := range m.sizes {
		n *= s
	}
	if max(m.source(), m.extent(m.dstSteps)) > most {
		for axis, size := range m.sizes {
			half := size / 2
			if m.enlarged && axis == 1 { // the pixel of x must not lie across
				for half > 0 && half*m.ofHeight%m.height != 0 {
					half--
				}
			}
			if half == 0 || m.enlarged && axis > 1 {
				continue
			}
			a, b := m, m
			a.sizes[axis], b.sizes[axis] = half, size-half
			step := half
			if m.enlarged && axis == 1 {
				step = half * m.ofHeight / m.height
			}
			b.from += step * m.srcSteps[axis]
			b.to += half * m.dstSteps[axis]
			if err := c.move(a); err != nil {
				return err
			}
			return c.move(b)
		}
		return fmt.Errorf("operands of %d MiB, and the device binds %d at a time", m.extent(m.dstSteps)>>18, c.limits.Range>>20)
	}
	params := make([]any, 0, 3*axes+4)
	for _, list := range [][axes]int{m.sizes, m.srcSteps, m.dstSteps} {
		for _, v := range list {
			params = append(params, v)
		}
	}
	spec := []uint32{0}
	if m.enlarged {
		spec[0] = 1
		params = append(params, m.height, m.ofHeight, m.wide, m.ofWd)
	}
	args := []operand{m.src.sub(m.from, m.source()), m.dst.sub(m.to, m.extent(m.dstSteps)).to()}
	c.emit(kernel.Move, spec, ceil(n, kernel.Threads), 0, args, params...)
	return nil
}

func (c *compiler) concat(n *nn.Node, op nn.Concat) error {
	shape := n.Out.Shape()
	outer, inner := shape[:op.Axis].NumElements(), shape[op.Axis+1:].NumElements()
	at := 0
	for _, v := range n.In {
		m := copying(c.all(v), c.all(n.Out))
		run := v.Dim(op.Axis) * inner
		m.sizes[0], m.sizes[axes-1] = outer, run
		m.srcSteps[0], m.dstSteps[0] = run, shape[op.Axis]*inner
		m.to = at
		at += run
		if err := c.move(m); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) slice(n *nn.Node, op nn.Slice) error {
	shape := n.In[0].Shape()
	outer, inner := shape[:op.Axis].NumElements(), shape[op.Axis+1:].NumElements()
	m := copying(c.all(n.In[0]), c.all(n.Out))
	run := (op.Stop - op.Start) * inner
	m.sizes[0], m.sizes[axes-1] = outer, run
	m.srcSteps[0], m.dstSteps[0] = shape[op.Axis]*inner, run
	m.from = op.Start * inner
	return c.move(m)
}

func (c *compiler) transpose(n *nn.Node, op nn.Transpose) error {
	sizes, steps := fold(n.In[0].Shape(), op.Perm)
	if len(sizes) > axes {
		return fmt.Errorf("of %v by %v: more than %d axes that move apart", n.In[0].Shape(), op.Perm, axes)
	}
	m := copying(c.all(n.In[0]), c.all(n.Out))
	m.sizes[axes-1] = 1
	step := 1
	for i := len(sizes) - 1; i >= 0; i-- {
		axis := axes - len(sizes) + i
		m.sizes[axis], m.srcSteps[axis], m.dstSteps[axis] = sizes[i], steps[i], step
		step *= sizes[i]
	}
	return c.move(m)
}

// fold returns the sizes of a transposed shape, and how far apart elements are in
// front; axes that stay side by side are one.
func fold(shape tensor.Shape, perm []int) (sizes, steps []int) {
	strides := shape.RowMajor()
	for i, p := range perm {
		if i > 0 && p == perm[i-1]+1 {
			sizes[len(sizes)-1] *= shape[p]
			steps[len(steps)-1] = strides[p]
			continue
		}
		sizes, steps = append(sizes, shape[p]), append(steps, strides[p])
	}
	return sizes, steps
}

// parameter copies a weight to each row.
func (c *compiler) parameter(n *nn.Node, op nn.Parameter) error {
	w, err := c.vector(op.Weight)
	if err != nil {
		return err
	}
	size := op.Weight.Shape.NumElements()
	m := copying(w, c.all(n.Out))
	m.sizes[0], m.sizes[axes-1] = n.Out.Dim(0), size
	m.srcSteps[0], m.dstSteps[0] = 0, size
	return c.move(m)
}

func (c *compiler) upsample(n *nn.Node, op nn.Upsample) error {
	x := n.In[0]
	h, w, ch := x.Dim(1), x.Dim(2), x.Dim(3)
	m := copying(c.all(x), c.all(n.Out))
	m.enlarged, m.height, m.ofHeight, m.wide, m.ofWd = true, op.H, h, op.W, w
	m.sizes = [axes]int{x.Dim(0), op.H, op.W, 1, ch}
	m.srcSteps = [axes]int{h * w * ch, w * ch, ch, 0, 1}
	m.dstSteps = [axes]int{op.H * op.W * ch, op.W * ch, ch, 0, 1}
	return c.move(m)
}

func (c *compiler) tokenRow(n *nn.Node, op nn.TokenRow) {
	x := n.In[0]
	b, t, width := x.Dim(0), x.Dim(1), x.Dim(2)
	c.emit(kernel.TokenRow, nil, ceil(b*width, kernel.Threads), 0, []operand{c.all(x), c.all(n.In[1]), c.all(n.Out).to()}, t,
		width, int(op.Token), b)
}
