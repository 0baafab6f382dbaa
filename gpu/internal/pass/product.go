package pass

import (
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
)

func (c *compiler) linear(n *nn.Node, op nn.Linear) error {
	x, y := n.In[0], n.Out
	w, err := c.matrix(op.Weight, false)
	if err != nil {
		return err
	}
	bias, err := c.vector(op.Bias)
	if err != nil {
		return err
	}
	k, cols, width := x.Dim(-1), op.Weight.Shape[0], y.Dim(-1)
	m := x.Shape().NumElements() / k
	spec := []uint32{kernel.Linear, uint32(c.format(x)), uint32(w.format), uint32(c.format(y)), uint32(op.Act), 0, 0}
	if op.Gated {
		spec[5] = 1
	}
	if c.half {
		spec[6] |= kernel.MayRound
	}
	if op.Bias != nil {
		spec[6] |= kernel.WithBias
	}
	if op.HasResidual() {
		spec[6] |= kernel.WithResidual
		if c.format(n.In[1]) == kernel.F16 {
			spec[6] |= kernel.ResidualF16
		}
	}
	flops := 2 * float64(cols) * float64(k)
	rows := c.rows(m, 4*int64(max(k, width)), flops)
	tiles := ceil(cols, kernel.TileN)
	for r := 0; r < m; r += rows {
		some := min(rows, m-r)
		residual := none
		if op.HasResidual() {
			residual = c.part(n.In[1], r*width, some*width)
		}
		args := []operand{c.part(x, r*k, some*k), w, bias, none, residual, c.part(y, r*width, some*width).to()}
		c.emit(kernel.Gemm, spec, ceil(some, kernel.TileM)*tiles, flops*float64(some), args, some, cols, k, tiles)
	}
	return nil
}

// matrices are those of a batched product, one a head: y = alpha x w^T.
type matrices struct {
	x, w, y             operand
	m, n, k             int
	rowX, nW, kW, rowY  int // strides
	heads               int
	headX, headW, headY int // strides
	alpha               float32
}

func (c *compiler) batched(p matrices) {
	spec := []uint32{kernel.Batched, uint32(p.x.format), uint32(p.w.format), uint32(p.y.format)}
	tm, tn := ceil(p.m, kernel.TileM), ceil(p.n, kernel.TileN)
	flops := 2 * float64(p.m) * float64(p.n) * float64(p.k) * float64(p.heads)
	c.emit(kernel.Gemm, spec, tm*tn*p.heads, flops, []operand{p.x, p.w, none, none, none, p.y.to()},
		p.m, p.n, p.k, tn, p.rowX, p.nW, p.kW, p.rowY, p.heads, 0, p.headX, 0, p.headW, 0, p.headY, p.alpha, tm)
}
