package cpu

import (
	"fmt"

	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/nn"
)

func (c *compiler) conv(n *nn.Node, op nn.Conv2D) error {
	t, format, err := load(op.Weight)
	if err != nil {
		return err
	}
	if !t.IsContiguous() {
		return fmt.Errorf("weight %s with strides %v is not contiguous", op.Weight.Name, t.Strides())
	}
	c.countWeight(t)
	bias, err := c.vector(op.Bias)
	if err != nil {
		return err
	}
	x, y, w := n.In[0], n.Out, op.Weight.Shape
	plan := conv.NewPlan(conv.Shape{
		B: x.Dim(0), H: x.Dim(1), W: x.Dim(2), CI: w[1], CO: w[0], KH: w[2], KW: w[3], Stride: op.Stride,
		PadT: op.Pad.Top, PadL: op.Pad.Left, PadB: op.Pad.Bottom, PadR: op.Pad.Right,
	})
	act, e := epilogue(op.Act), c.executable
	c.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		o := conv.Operands{X: e.f32(x), W: first(t), Format: format, Bias: bias, Y: e.f32(y), Epilogue: act}
		if op.HasChannelBias() {
			o.ChannelBias = e.f32(n.In[1])
		}
		if op.HasResidual() {
			o.Add = e.f32(n.In[len(n.In)-1])
		}
		plan.Run(unit, e.scratch[worker], &o)
	})
	return nil
}
