package cpu

import (
	"github.com/df65613c/easel/internal/kernel/attn"
	"github.com/df65613c/easel/nn"
)

func (c *compiler) attention(n *nn.Node, op nn.Attention) {
	q, k, v, y := n.In[0], n.In[1], n.In[2], n.Out
	width := q.Dim(2)
	plan := attn.NewPlan(attn.Shape{
		B: q.Dim(0), Heads: op.Heads, TQ: q.Dim(1), TK: k.Dim(1), D: width / op.Heads,
		Causal: op.Causal, Scale: op.Scale,
	})
	e := c.executable
	c.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		plan.Run(unit, e.scratch[worker], &attn.Operands{
			Q: e.f32(q), LDQ: width, K: e.f32(k), LDK: width, V: e.f32(v), LDV: width, O: e.f32(y), LDO: width,
		})
	})
}
