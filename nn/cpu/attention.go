package cpu

import (
	"github.com/df65613c/easel/internal/kernel/attn"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/nn"
)

func (c *compiler) attention(index int, n *nn.Node, op nn.Attention) {
	q, k, v, y := n.In[0], n.In[1], n.In[2], n.Out
	width := q.Dim(2)
	shape := attn.Shape{
		B: q.Dim(0), Heads: op.Heads, TQ: q.Dim(1), TK: k.Dim(1), D: width / op.Heads,
		Causal: op.Causal, Scale: op.Scale,
	}
	if narrow(c.precision) {
		shape.Compute = convert.BF16
	}
	plan, e := attn.NewPlan(shape), c.executable
	packed := c.reserve(index, plan.PackSize())
	operands := func() attn.Operands {
		return attn.Operands{Q: e.rows(q), K: e.rows(k), V: e.rows(v), O: e.rows(y)}
	}
	c.step(plan.PackUnits(), plan.PackScratchSize(), func(worker, unit int) {
		o := operands()
		plan.Pack(unit, packed(), e.scratch[worker], &o)
	})
	c.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		o := operands()
		plan.Run(unit, packed(), e.scratch[worker], &o)
	})
}

// rows returns a value [B,T,C] in the format in which it is kept.
func (e *executable) rows(v *nn.Value) attn.Rows {
	id := v.Root().ID()
	return attn.Rows{Data: e.mem[id], Format: e.formats[id], Stride: v.Dim(2)}
}
