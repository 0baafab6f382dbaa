package cpu

import (
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/nn"
)

// leastRowsI8 is how many rows a linear layer has for 8-bit integers: fewer, as
// of embeddings of time, are not worth their error.
const leastRowsI8 = 64

// linearI8 adds a pass that quantises the rows of activations, and their product
// with the weights, whose rows are quantised as they are packed.
func (c *compiler) linearI8(index int, n *nn.Node, op nn.Linear, w gemm.Matrix, bias []float32) {
	x, y, e := n.In[0], n.Out, c.executable
	k := x.Dim(-1)
	rows, width := x.Shape().NumElements()/k, gemm.RowI8(k)
	scales := c.backend.scalesOf(op.Weight, w)
	c.scales = append(c.scales, scales)
	c.footprint.Packed += int64(4 * scales.rows)
	quantised, scale := c.reserve(index, rows*width), c.reserve(index, rows*4)
	blocks, size := rowBlocks(rows, k)
	c.step(blocks, 4*k, func(worker, unit int) {
		in := e.pixels(x)
		for r := unit * size; r < min((unit+1)*size, rows); r++ {
			row := in.part(r*k, (r+1)*k)
			if row.narrow != nil {
				wide := elements[float32](e.scratch[worker])[:k]
				convert.WidenBF16(wide, row.narrow)
				row.wide = wide
			}
			elements[float32](scale())[r] = gemm.QuantiseRow(quantised()[r*width:(r+1)*width], row.wide)
		}
	})
	newPlan := gemm.NewPlanI8
	if op.Gated {
		newPlan = gemm.NewGatedPlanI8
	}
	plan := newPlan(rows, y.Dim(-1), k).For(e.pool.Threads())
	act, gate := epilogue(op.Act), gateOf(op)
	operands := make([]gemm.OperandsI8, e.pool.Threads()) // so that a run allocates nothing
	c.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		o := &operands[worker]
		*o = gemm.OperandsI8{
			A: quantised(), AScale: elements[float32](scale()), LDA: width,
			W: w, WScale: scales.values, Bias: bias, LDC: y.Dim(-1), Epilogue: act, Gate: gate,
		}
		o.C, o.C16 = e.either(y)
		if op.HasResidual() {
			o.Add, o.Add16 = e.either(n.In[1])
			o.LDAdd = o.LDC
		}
		plan.Run(unit, e.scratch[worker], o)
	})
}
