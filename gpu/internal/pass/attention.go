package pass

import (
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
)

// heads is a block of the scores of an attention: some queries of some heads.
type heads struct {
	batch, head, heads, query, queries int
}

// blocks divides the scores of an attention so that a block fits the work space.
func (c *compiler) blocks(q, k *nn.Value, all int) (list []heads) {
	t, s := q.Dim(1), k.Dim(1)
	d := q.Dim(2) / all
	most := int(min(Band, c.limits.Range-Align)) / 4 / s // rows of scores
	if c.limits.FLOPs > 0 {
		most = min(most, int(c.limits.FLOPs/(2*float64(s)*float64(d))))
	}
	most = max(1, most)
	some := min(all, max(1, most/t))
	rows := min(t, most)
	for b := range q.Dim(0) {
		for h := 0; h < all; h += some {
			for r := 0; r < t; r += rows {
				list = append(list, heads{b, h, min(some, all-h), r, min(rows, t-r)})
			}
		}
	}
	return list
}

// scores adds the passes of the softmax of a block of scores.
func (c *compiler) scores(b heads, q, k *nn.Value, all int, scale float32, causal bool, work operand) operand {
	t, s, width := q.Dim(1), k.Dim(1), q.Dim(2)
	d := width / all
	work = work.sub(0, b.heads*b.queries*s)
	c.batched(matrices{
		x: c.part(q, (b.batch*t+b.query)*width+b.head*d, (b.queries-1)*width+b.heads*d),
		w: c.part(k, b.batch*s*width+b.head*d, (s-1)*width+b.heads*d),
		y: work, m: b.queries, n: s, k: d, rowX: width, nW: width, kW: 1, rowY: s,
		heads: b.heads, headX: d, headW: d, headY: b.queries * s, alpha: scale,
	})
	masked := 0
	if causal {
		masked = 1
	}
	c.emit(kernel.Softmax, nil, b.heads*b.queries, 0, []operand{work.to()}, s, b.queries, b.query, masked)
	return work
}

// scoresSize returns the elements of the largest block.
func scoresSize(list []heads, s int) (n int) {
	for _, b := range list {
		n = max(n, b.heads*b.queries*s)
	}
	return n
}

func (c *compiler) attention(n *nn.Node, op nn.Attention) {
	q, k, v, y := n.In[0], n.In[1], n.In[2], n.Out
	t, s, width := q.Dim(1), k.Dim(1), q.Dim(2)
	d := width / op.Heads
	if c.half && d <= c.limits.Attention && d%8 == 0 {
		c.streaming(n, op)
		return
	}
	list := c.blocks(q, k, op.Heads)
	work := c.reserve(scoresSize(list, s), kernel.F32)
	for _, b := range list {
		p := c.scores(b, q, k, op.Heads, op.Scale, op.Causal, work)
		c.batched(matrices{
			x: p,
			w: c.part(v, b.batch*s*width+b.head*d, (s-1)*width+b.heads*d),
			y: c.part(y, (b.batch*t+b.query)*width+b.head*d, (b.queries-1)*width+b.heads*d),
			m: b.queries, n: d, k: s, rowX: s, nW: 1, kW: width, rowY: width,
			heads: b.heads, headX: b.queries * s, headW: d, headY: d, alpha: 1,
		})
	}
}

// streaming is attention by the kernel that keeps no scores.
func (c *compiler) streaming(n *nn.Node, op nn.Attention) {
	q, k, v, y := n.In[0], n.In[1], n.In[2], n.Out
	t, s, width := q.Dim(1), k.Dim(1), q.Dim(2)
	spec := []uint32{uint32(c.format(q)), uint32(c.format(k)), uint32(c.format(v)), uint32(c.format(y)), 0}
	if op.Causal {
		spec[4] = 1
	}
	flops := 4 * float64(s) * float64(width)
	rows := c.rows(t, 4*int64(width), flops)
	for b := range q.Dim(0) {
		for r := 0; r < t; r += rows {
			some := min(rows, t-r)
			from := (b*t + r) * width
			args := []operand{c.part(q, from, some*width), c.part(k, b*s*width, s*width), c.part(v, b*s*width, s*width),
				c.part(y, from, some*width).to()}
			c.emit(kernel.Attention, spec, op.Heads*ceil(some, kernel.AttentionQueries), flops*float64(some), args, some, s,
				width/op.Heads, width, r, op.Scale)
		}
	}
}

func (c *compiler) attentionReceived(n *nn.Node, op nn.AttentionReceived) {
	q, k := n.In[0], n.In[1]
	s := k.Dim(1)
	list := c.blocks(q, k, op.Heads)
	work := c.reserve(scoresSize(list, s), kernel.F32)
	last := -1
	for _, b := range list {
		p := c.scores(b, q, k, op.Heads, op.Scale, false, work)
		more := 0
		if b.batch == last {
			more = 1
		}
		last = b.batch
		c.emit(kernel.ColumnSums, nil, ceil(s, kernel.Threads), 0, []operand{p, c.part(n.Out, b.batch*s, s).to()},
			s, b.queries, b.heads, 1/float32(op.Heads), more)
	}
}
