package cpu

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
	"github.com/df65613c/easel/internal/kernel/vec"
	"github.com/df65613c/easel/nn"
)

// receivedQueries is how many rows of scores a worker holds.
const receivedQueries = 64

// attentionReceived adds a pass over heads that sums the rows of their softmax,
// and one that takes the mean of the heads.
func (c *compiler) attentionReceived(index int, n *nn.Node, op nn.AttentionReceived) {
	q, k, y, e := n.In[0], n.In[1], n.Out, c.executable
	queries, keys, width := q.Dim(1), k.Dim(1), q.Dim(2)
	d := width / op.Heads
	plans := []*gemm.Plan{gemm.NewPlan(min(receivedQueries, queries), keys, d).For(1)}
	if rest := queries % receivedQueries; rest > 0 {
		plans = append(plans, gemm.NewPlan(rest, keys, d).For(1))
	}
	product := 0
	for _, p := range plans {
		product = max(product, p.ScratchSize())
	}
	sumsAt := c.reserve(index, q.Dim(0)*op.Heads*keys*4)
	operands := make([]gemm.Operands, e.pool.Threads()) // so that a run allocates nothing
	c.step(q.Dim(0)*op.Heads, scratch.Size(receivedQueries*keys)+product, func(worker, unit int) {
		b, head := unit/op.Heads, unit%op.Heads
		sums := elements[float32](sumsAt())[unit*keys:][:keys]
		clear(sums)
		scores, mem := scratch.Floats(e.scratch[worker], receivedQueries*keys)
		weight := gemm.Matrix{Data: unsafe.Pointer(&e.f32(k)[b*keys*width+head*d]), Format: convert.F32, RowStride: width, ColStride: 1}
		for from := 0; from < queries; from += receivedQueries {
			rows := min(receivedQueries, queries-from)
			plan := plans[0]
			if rows < receivedQueries {
				plan = plans[len(plans)-1]
			}
			o := &operands[worker]
			*o = gemm.Operands{A: e.f32(q)[(b*queries+from)*width+head*d:], LDA: width, W: weight, C: scores, LDC: keys}
			for u := range plan.Units() {
				plan.Run(u, mem, o)
			}
			for r := range rows {
				addSoftmax(sums, scores[r*keys:(r+1)*keys], op.Scale)
			}
		}
	})
	c.step(q.Dim(0), 0, func(_, b int) {
		dst, sums := e.f32(y)[b*keys:(b+1)*keys], elements[float32](sumsAt())[b*op.Heads*keys:]
		for j := range dst {
			sum := float32(0)
			for h := range op.Heads {
				sum += sums[h*keys+j]
			}
			dst[j] = sum / float32(op.Heads)
		}
	})
}

// addSoftmax adds the softmax of scaled scores, which it overwrites, to sums.
func addSoftmax(sums, scores []float32, scale float32) {
	largest := scores[0]
	for _, v := range scores {
		largest = max(largest, v)
	}
	total := float32(0)
	for j, v := range scores {
		scores[j] = vec.Exp(scale * (v - largest))
		total += scores[j]
	}
	for j, v := range scores {
		sums[j] += v / total
	}
}
