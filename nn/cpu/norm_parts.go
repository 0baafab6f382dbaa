package cpu

import (
	"github.com/df65613c/easel/internal/kernel/norm"
	"github.com/df65613c/easel/nn"
)

// groupMoments makes the moments of the rows of an image or of a part of one.
func (c *compiler) groupMoments(n *nn.Node, op nn.GroupMoments) {
	e := c.executable
	c.moments(imageOf(n.In[0]), n.In[0], op.Groups, func() []norm.Moments { return elements[norm.Moments](e.mem[n.Out.ID()]) })
}

// scaleParts turns the moments of all parts into the factors and offsets of the
// whole image.
func (c *compiler) scaleParts(index int, n *nn.Node, op nn.GroupScale) error {
	s, err := c.groupScale(op.Norm, op.Pixels)
	if err != nil {
		return err
	}
	e, size := c.executable, 0
	for _, v := range n.In {
		size += v.Bytes()
	}
	all := c.reserve(index, size)
	c.step(1, 0, func(_, _ int) {
		rest := all()
		for _, v := range n.In {
			rest = rest[copy(rest, e.mem[v.ID()]):]
		}
		mul, add := halves(e.f32(n.Out))
		s.set(mul, add, elements[norm.Moments](all()))
	})
	return nil
}

// affine returns the factors and offsets of a convolution's image. A part has
// them as an operand; for a whole image they are computed.
func (v *convolution) affine(index int) (affine, error) {
	if v.op.Window() == nil {
		return v.groupAffine(index, v.node.In[0], v.op.Norm)
	}
	e, scale := v.executable, v.node.In[v.window.Parts]
	return func(int) (mul, add []float32) { return halves(e.f32(scale)) }, nil
}
