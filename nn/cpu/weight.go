package cpu

import (
	"fmt"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// loadScales reads the scales of a quantised weight; other weights have none.
func (c *compiler) loadScales(w *nn.Weight) (convert.Scales, error) {
	s, err := weights.Scales(w)
	switch {
	case err != nil || w.Scale == nil:
		return s, err
	case s.Rows != nil:
		c.footprint.Packed += int64(4 * len(s.Rows))
		return s, nil
	}
	t, err := w.Scale.Load()
	if err == nil {
		c.countWeight(w.Scale, t)
	}
	return s, err
}

// matrix returns a weight [N,K] as the kernels take it.
func (c *compiler) matrix(w *nn.Weight) (gemm.Matrix, error) {
	t, f, err := weights.LoadAny(w)
	if err != nil {
		return gemm.Matrix{}, err
	}
	if f.Quantised() && !t.IsContiguous() {
		return gemm.Matrix{}, fmt.Errorf("weight %s is %s with strides %v; a quantised weight must be contiguous", w.Name,
			t.DType(), t.Strides())
	}
	c.countWeight(w, t)
	s, err := c.loadScales(w)
	if err != nil {
		return gemm.Matrix{}, err
	}
	return c.withDeltas(w, gemm.Matrix{Data: weights.Data(t), Format: f, RowStride: t.Strides()[0],
		ColStride: t.Strides()[1], Scales: s})
}

// countWeight adds a weight to the footprint, once if several nodes read it.
func (c *compiler) countWeight(w *nn.Weight, t *tensor.Tensor) {
	at := weights.Data(t)
	if c.counted[at] {
		return
	}
	c.counted[at] = true
	elements, bytes := t.DType().Block()
	size := int64(t.NumElements() / elements * bytes)
	if w.Copied {
		c.footprint.Packed += size
	} else {
		c.footprint.Weights += size
	}
}

// vector returns a weight [N] in float32, or nil for none.
func (c *compiler) vector(w *nn.Weight) ([]float32, error) {
	if w == nil {
		return nil, nil
	}
	if v := c.vectors[w]; v != nil {
		return v, nil
	}
	v, err := weights.Vector(w)
	if err != nil {
		return nil, err
	}
	c.footprint.Packed += int64(4 * len(v))
	c.vectors[w] = v
	return v, nil
}

// withDeltas gives the matrix of a weight its deltas.
func (c *compiler) withDeltas(w *nn.Weight, m gemm.Matrix) (gemm.Matrix, error) {
	if len(w.Deltas) == 0 {
		return m, nil
	}
	ch, err := c.backend.changes.of(w, func() (*weights.Changes, error) { return weights.NewChanges(w, m) })
	if err != nil {
		return m, err
	}
	for _, d := range w.Deltas {
		for _, o := range nn.Operands(d) {
			t, err := o.Load()
			if err != nil {
				return m, fmt.Errorf("weight %s: %w", o.Name, err)
			}
			c.countWeight(o, t)
		}
	}
	c.changes = append(c.changes, ch)
	c.footprint.Packed += ch.Bytes()
	m.Changes = &ch.Changes
	return m, nil
}
