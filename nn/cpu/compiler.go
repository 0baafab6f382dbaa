package cpu

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/act"
	"github.com/df65613c/easel/nn"
)

// compiler turns nodes into steps.
type compiler struct {
	*executable
	op        nn.Op // whose passes are added
	workspace []int // bytes by node
	scratch   int   // the most any step needs for one worker
	band      int   // bytes of an image that are normalised at a time
	vectors   map[*nn.Weight][]float32
	counted   map[unsafe.Pointer]bool // weights in the footprint, by address
}

// reserve adds to the work space of a node, by index, and returns where it is
// while the program runs.
func (c *compiler) reserve(index, bytes int) func() []byte {
	const line = 64
	at := (c.workspace[index] + line - 1) &^ (line - 1)
	c.workspace[index] = at + bytes
	e := c.executable
	return func() []byte { return e.work[index][at : at+bytes] }
}

// step appends a pass of units, of which each worker needs scratch bytes.
func (c *compiler) step(units, scratch int, run func(worker, unit int)) {
	c.scratch = max(c.scratch, scratch)
	c.steps = append(c.steps, step{c.op.Name(), nn.WeightOf(c.op), units, run})
}

func (c *compiler) node(i int) error {
	n := &c.program.Nodes[i]
	c.op = n.Op
	switch op := n.Op.(type) {
	case nn.Linear:
		return c.linear(i, n, op)
	case nn.Conv2D:
		return c.conv(i, n, op)
	case nn.UpsampleConv2D:
		return c.upsampleConv(i, n, op)
	case nn.GroupNorm:
		return c.groupNorm(i, n, op)
	case nn.GroupMoments:
		c.groupMoments(n, op)
	case nn.GroupScale:
		return c.scaleParts(i, n, op)
	case nn.LayerNorm:
		return c.layerNorm(n, op)
	case nn.Attention:
		c.attention(i, n, op)
	case nn.AttentionReceived:
		c.attentionReceived(i, n, op)
	case nn.GEGLU:
		c.geglu(n)
	case nn.Activate:
		c.activate(n, op)
	case nn.Add:
		c.add(n)
	case nn.Mul:
		c.mul(n)
	case nn.Affine:
		c.affine(n, op)
	case nn.Concat:
		c.concat(n, op)
	case nn.Slice:
		c.slice(n, op)
	case nn.Upsample:
		c.upsample(n, op)
	case nn.FourierFilter:
		c.fourierFilter(i, n, op)
	case nn.Embedding:
		return c.embedding(n, op)
	case nn.Parameter:
		return c.parameter(n, op)
	case nn.TimestepEmbedding:
		c.timestepEmbedding(n, op)
	case nn.TokenRow:
		c.tokenRow(n, op)
	case nn.Transpose:
		c.transpose(n, op)
	case nn.Cast:
		return c.cast(n)
	default:
		return fmt.Errorf("cpu: no operation %s", n.Op.Name())
	}
	return nil
}

// epilogue returns the function that applies an activation in place, or nil.
func epilogue(a nn.Activation) func([]float32) {
	switch a {
	case nn.SiLU:
		return act.SiLU
	case nn.GELU:
		return act.GELU
	case nn.QuickGELU:
		return act.QuickGELU
	case nn.GELUTanh:
		return act.GELUTanh
	}
	return nil
}
