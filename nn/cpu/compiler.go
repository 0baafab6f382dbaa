package cpu

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/act"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// compiler turns nodes into steps.
type compiler struct {
	*executable
	op        nn.Op // whose passes are added
	workspace []int // bytes by node
	scratch   int   // the most any step needs for one worker
	band      int   // bytes of an image that are normalised at a time
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
	c.steps = append(c.steps, step{c.op.Name(), weightOf(c.op), units, run})
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
	case nn.LayerNorm:
		return c.layerNorm(n, op)
	case nn.Attention:
		c.attention(i, n, op)
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
	case nn.Embedding:
		return c.embedding(n, op)
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

// load reads a weight and checks that it is what the graph was recorded with.
func load(w *nn.Weight) (*tensor.Tensor, convert.Format, error) {
	t, err := w.Load()
	if err != nil {
		return nil, 0, fmt.Errorf("weight %s: %w", w.Name, err)
	}
	if !t.Shape().Equal(w.Shape) {
		return nil, 0, fmt.Errorf("weight %s has shape %v, not %v", w.Name, t.Shape(), w.Shape)
	}
	switch t.DType() {
	case tensor.F32:
		return t, convert.F32, nil
	case tensor.F16:
		return t, convert.F16, nil
	case tensor.BF16:
		return t, convert.BF16, nil
	}
	return nil, 0, fmt.Errorf("weight %s is %s; the CPU backend takes F32, F16 and BF16", w.Name, t.DType())
}

// matrix returns a weight [N,K] as the kernels take it.
func (c *compiler) matrix(w *nn.Weight) (gemm.Matrix, error) {
	t, f, err := load(w)
	if err != nil {
		return gemm.Matrix{}, err
	}
	c.countWeight(t)
	return gemm.Matrix{Data: data(t), Format: f, RowStride: t.Strides()[0], ColStride: t.Strides()[1]}, nil
}

// data returns the address of a tensor's first element.
func data(t *tensor.Tensor) unsafe.Pointer {
	return unsafe.Pointer(&t.Memory()[t.Offset()*t.DType().Size()])
}

func (c *compiler) countWeight(t *tensor.Tensor) {
	c.footprint.Weights += int64(t.NumElements() * t.DType().Size())
}

// vector returns a weight [N] in float32, or nil for none.
func (c *compiler) vector(w *nn.Weight) ([]float32, error) {
	if w == nil {
		return nil, nil
	}
	t, f, err := load(w)
	if err != nil {
		return nil, err
	}
	if !t.IsContiguous() {
		return nil, fmt.Errorf("weight %s with strides %v is not contiguous", w.Name, t.Strides())
	}
	v := make([]float32, t.NumElements())
	convert.ToF32(v, t.Bytes(), f)
	c.footprint.Packed += int64(4 * len(v))
	return v, nil
}

// epilogue returns the function that applies an activation in place, or nil.
func epilogue(a nn.Activation) func([]float32) {
	switch a {
	case nn.SiLU:
		return act.SiLU32
	case nn.GELU:
		return act.GELU32
	case nn.QuickGELU:
		return act.QuickGELU32
	}
	return nil
}
