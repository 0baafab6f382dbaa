package cpu

import (
	"github.com/df65613c/easel/internal/kernel/act"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/nn"
)

// gateOf returns what makes a row of the result of its two halves, or nil.
func gateOf(op nn.Linear) func(dst, a, b []float32) {
	if op.Gated {
		return act.GEGLU
	}
	return nil
}

func (c *compiler) linear(index int, n *nn.Node, op nn.Linear) error {
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
	if rows := x.Shape().NumElements() / k; c.precision == nn.Int8 && rows >= leastRowsI8 && k <= gemm.MaxI8 {
		c.linearI8(index, n, op, w, bias)
		return nil
	}
	newPlan := gemm.NewPlan
	switch narrow := narrow(c.precision); {
	case narrow && op.Gated:
		newPlan = gemm.NewGatedPlanBF16
	case narrow:
		newPlan = gemm.NewPlanBF16
	case op.Gated:
		newPlan = gemm.NewGatedPlan
	}
	plan := newPlan(x.Shape().NumElements()/k, nOut, k).For(c.pool.Threads())
	epilogue, gate := epilogue(op.Act), gateOf(op)
	e := c.executable
	operands := make([]gemm.Operands, e.pool.Threads()) // so that a run allocates nothing
	c.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		o := &operands[worker]
		*o = gemm.Operands{LDA: k, W: w, Bias: bias, LDC: nOut, Epilogue: epilogue, Gate: gate}
		o.A, o.A16 = e.either(x)
		o.C, o.C16 = e.either(y)
		if op.HasResidual() {
			o.Add, o.Add16 = e.either(n.In[1])
			o.LDAdd = nOut
		}
		plan.Run(unit, e.scratch[worker], o)
	})
	return nil
}
