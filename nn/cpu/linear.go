package cpu

import (
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/nn"
)

func (c *compiler) linear(n *nn.Node, op nn.Linear) error {
	w, err := c.matrix(op.Weight)
	if err != nil {
		return err
	}
	bias, err := c.vector(op.Bias)
	if err != nil {
		return err
	}
	x, y := n.In[0], n.Out
	k := x.Dim(-1)
	nOut := y.Dim(-1)
	plan := gemm.NewPlan(x.Shape().NumElements()/k, nOut, k)
	act := epilogue(op.Act)
	e := c.executable
	c.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		o := gemm.Operands{A: e.f32(x), LDA: k, W: w, Bias: bias, C: e.f32(y), LDC: nOut, Epilogue: act}
		if op.HasResidual() {
			o.Add, o.LDAdd = e.f32(n.In[1]), nOut
		}
		plan.Run(unit, e.scratch[worker], &o)
	})
	return nil
}
