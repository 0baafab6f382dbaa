package pass

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// onHost adds a node that the processor computes. If it needs only the
// program's inputs, it runs before all passes, so that the device works without
// a pause.
func (c *compiler) onHost(n *nn.Node, compute func(dst, src []byte) error) {
	x := n.In[0].Root()
	input := slices.IndexFunc(c.program.Inputs, func(in nn.Named) bool { return in.Value == x })
	d := draft{host: &Host{Op: n.Op.Name(), Input: input, Compute: compute}, in: x, result: n.Out}
	c.stages = append(c.stages, d)
}

func (c *compiler) embedding(n *nn.Node, op nn.Embedding) error {
	table, err := contiguous(op.Table)
	if err != nil {
		return err
	}
	var positions []float32
	if op.Positions != nil {
		p, err := contiguous(op.Positions)
		if err != nil {
			return err
		}
		if p, err = p.Convert(tensor.F32); err != nil {
			return err
		}
		positions = p.Float32s()
	}
	length, width, vocabulary := n.Out.Dim(1), n.Out.Dim(2), op.Table.Shape[0]
	row := tensor.New(tensor.F32, width)
	c.onHost(n, func(dst, src []byte) error {
		for t := range len(src) / 4 {
			id := int(int32(binary.LittleEndian.Uint32(src[4*t:])))
			if id < 0 || id >= vocabulary {
				return fmt.Errorf("id %d is outside the table %s of %d rows", id, op.Table.Name, vocabulary)
			}
			stored, err := table.Narrow(0, id, id+1)
			if err != nil {
				return err
			}
			wide, err := stored.Convert(tensor.F32)
			if err != nil {
				return err
			}
			copy(row.Float32s(), wide.Float32s())
			for i, v := range row.Float32s() {
				if positions != nil {
					v += positions[t%length*width+i]
				}
				binary.LittleEndian.PutUint32(dst[4*(t*width+i):], math.Float32bits(v))
			}
		}
		return nil
	})
	return nil
}

// contiguous loads a weight that the processor reads.
func contiguous(w *nn.Weight) (*tensor.Tensor, error) {
	t, err := w.Load()
	if err != nil {
		return nil, fmt.Errorf("weight %s: %w", w.Name, err)
	}
	if !t.Shape().Equal(w.Shape) || nn.Quantised(t.DType()) {
		return nil, fmt.Errorf("weight %s is %s%v, want floats %v", w.Name, t.DType(), t.Shape(), w.Shape)
	}
	return t, nil
}

// timestepEmbedding rounds to float32 where the reference does: at a time of 999 one
// unit in the last place of a frequency moves the phase by 6e-5.
func (c *compiler) timestepEmbedding(n *nn.Node, op nn.TimestepEmbedding) {
	half := op.Dim / 2
	c.onHost(n, func(dst, src []byte) error {
		for t := range len(src) / 4 {
			x := math.Float32frombits(binary.LittleEndian.Uint32(src[4*t:]))
			for i := range half {
				exponent := float32(-math.Log(10000)) * float32(i) / float32(half)
				sin, cos := math.Sincos(float64(x * float32(math.Exp(float64(exponent)))))
				binary.LittleEndian.PutUint32(dst[4*(t*op.Dim+i):], math.Float32bits(float32(cos)))
				binary.LittleEndian.PutUint32(dst[4*(t*op.Dim+half+i):], math.Float32bits(float32(sin)))
			}
		}
		return nil
	})
}
