package cpu

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// load reads a weight that has no scales beside it.
func load(w *nn.Weight) (*tensor.Tensor, convert.Format, error) {
	t, f, err := loadAny(w)
	if err == nil && f.Scaled() {
		return nil, 0, fmt.Errorf("weight %s is %s; only matrices and kernels may be", w.Name, t.DType())
	}
	return t, f, err
}

// loadAny reads a weight and checks that it is what the graph was recorded with.
func loadAny(w *nn.Weight) (*tensor.Tensor, convert.Format, error) {
	t, err := w.Load()
	if err != nil {
		return nil, 0, fmt.Errorf("weight %s: %w", w.Name, err)
	}
	if !t.Shape().Equal(w.Shape) {
		return nil, 0, fmt.Errorf("weight %s has shape %v, not %v", w.Name, t.Shape(), w.Shape)
	}
	f, ok := convert.Named(t.DType().String())
	if !ok {
		return nil, 0, fmt.Errorf("weight %s is %s; the CPU backend takes F64, F32, F16, BF16, F8_E4M3 and F8_E5M2, I8 and F4 with scales, and GGUF's types", w.Name, t.DType())
	}
	return t, f, nil
}

// loadScales reads what a quantised weight is multiplied with; others have nothing.
func (c *compiler) loadScales(w *nn.Weight) (s convert.Scales, err error) {
	if err := w.CheckScale(); err != nil || w.Scale == nil {
		return s, err
	}
	t, f, err := load(w.Scale)
	switch {
	case err != nil:
		return s, err
	case f == convert.F16:
		c.countWeight(w.Scale, t)
		s.Blocks, err = tensor.Data[uint16](t)
		return s, err
	}
	s.Rows, err = c.vector(w.Scale)
	for i, v := range s.Rows {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return s, fmt.Errorf("weight %s: scale %d is %g, want 0 or more", w.Scale.Name, i, v)
		}
	}
	return s, err
}

// matrix returns a weight [N,K] as the kernels take it.
func (c *compiler) matrix(w *nn.Weight) (gemm.Matrix, error) {
	t, f, err := loadAny(w)
	if err != nil {
		return gemm.Matrix{}, err
	}
	if f.Quantised() && !t.IsContiguous() {
		return gemm.Matrix{}, fmt.Errorf("weight %s is %s with strides %v; a quantised weight must be contiguous", w.Name, t.DType(), t.Strides())
	}
	c.countWeight(w, t)
	s, err := c.loadScales(w)
	return gemm.Matrix{Data: data(t), Format: f, RowStride: t.Strides()[0], ColStride: t.Strides()[1], Scales: s}, err
}

// data returns the address of a tensor's first element.
func data(t *tensor.Tensor) unsafe.Pointer {
	elements, bytes := t.DType().Block()
	return unsafe.Pointer(&t.Memory()[t.Offset()/elements*bytes])
}

// countWeight adds a weight to the footprint, once if several nodes read it.
func (c *compiler) countWeight(w *nn.Weight, t *tensor.Tensor) {
	at := data(t)
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
	t, f, err := load(w)
	if err != nil {
		return nil, err
	}
	if !t.IsContiguous() {
		return nil, fmt.Errorf("weight %s with strides %v is not contiguous", w.Name, t.Strides())
	}
	v := make([]float32, t.NumElements())
	widen(v, data(t), f, 0)
	c.footprint.Packed += int64(4 * len(v))
	c.vectors[w] = v
	return v, nil
}

// widen sets dst to values of adjacent numbers without scales beside them, from number at on.
func widen(dst []float32, data unsafe.Pointer, f convert.Format, at int) {
	if f.Blocked() {
		convert.Scales{}.Row(dst, data, f, 0, 0, at)
		return
	}
	convert.ToF32(dst, unsafe.Slice((*byte)(unsafe.Add(data, at*f.Size())), len(dst)*f.Size()), f)
}
