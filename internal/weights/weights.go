// Package weights reads the weights of graphs as kernels take them.
package weights

import (
	"context"
	"fmt"
	"math"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Load reads a weight that has no scales beside it, and without its deltas.
func Load(w *nn.Weight) (*tensor.Tensor, convert.Format, error) {
	t, f, err := LoadAny(w)
	if err == nil && f.Scaled() {
		return nil, 0, fmt.Errorf("weight %s is %s; only matrices and kernels may be", w.Name, t.DType())
	}
	return t, f, err
}

// LoadAny reads a weight and checks that it is what the graph was recorded with.
func LoadAny(w *nn.Weight) (*tensor.Tensor, convert.Format, error) {
	t, err := w.Load()
	if err != nil {
		return nil, 0, fmt.Errorf("weight %s: %w", w.Name, err)
	}
	if !t.Shape().Equal(w.Shape) {
		return nil, 0, fmt.Errorf("weight %s has shape %v, not %v", w.Name, t.Shape(), w.Shape)
	}
	f, ok := convert.Named(t.DType().String())
	if !ok {
		return nil, 0, fmt.Errorf("weight %s is %s; backends take F64, F32, F16, BF16, F8_E4M3 and F8_E5M2, I8 and F4 with scales, GGUF's types, and NF4 and FP4", w.Name, t.DType())
	}
	return t, f, nil
}

// Vector returns a weight that has no scales in float32, with its deltas, which
// are differences.
func Vector(w *nn.Weight) ([]float32, error) {
	t, f, err := Load(w)
	if err != nil {
		return nil, err
	}
	if !t.IsContiguous() {
		return nil, fmt.Errorf("weight %s with strides %v is not contiguous", w.Name, t.Strides())
	}
	v := make([]float32, t.NumElements())
	Widen(v, Data(t), f, 0)
	if len(w.Deltas) == 0 {
		return v, nil
	}
	if err := w.CheckDeltas(); err != nil {
		return nil, err
	}
	for _, d := range w.Deltas {
		diff, ok := d.(nn.Dense)
		if !ok {
			return nil, fmt.Errorf("weight %s%v takes a difference only, not %T", w.Name, w.Shape, d)
		}
		add, err := Vector(diff.Diff)
		if err != nil {
			return nil, err
		}
		for i, x := range add {
			v[i] += diff.Scale * x
		}
	}
	return v, nil
}

// Widen sets dst to values of adjacent numbers without scales beside them, from number at on.
func Widen(dst []float32, data unsafe.Pointer, f convert.Format, at int) {
	if f.Blocked() {
		convert.Scales{}.Row(dst, data, f, 0, 0, at)
		return
	}
	convert.ToF32(dst, unsafe.Slice((*byte)(unsafe.Add(data, at*f.Size())), len(dst)*f.Size()), f)
}

// Data returns the address of a tensor's first element.
func Data(t *tensor.Tensor) unsafe.Pointer {
	elements, bytes := t.DType().Block()
	return unsafe.Pointer(&t.Memory()[t.Offset()/elements*bytes])
}

// Address returns that of a slice.
func Address(v []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(v)) }

// Values returns a weight of any form in float32, with its deltas, row after row.
func Values(ctx context.Context, w *nn.Weight) ([]float32, error) {
	if len(w.Shape) < 2 {
		return Vector(w)
	}
	t, f, err := LoadAny(w)
	if err != nil {
		return nil, err
	}
	n, k := w.Matrix()
	m := gemm.Matrix{Data: Data(t), Format: f, RowStride: t.Strides()[0], ColStride: 1}
	if len(w.Shape) == 2 {
		m.ColStride = t.Strides()[1]
	} else if !t.IsContiguous() {
		return nil, fmt.Errorf("weight %s with strides %v is not contiguous", w.Name, t.Strides())
	}
	if m.Scales, err = Scales(w); err != nil {
		return nil, err
	}
	if len(w.Deltas) > 0 {
		changes, err := NewChanges(w, m)
		if err != nil {
			return nil, err
		}
		pool := parallel.New(0)
		defer pool.Close()
		if err := changes.Make(ctx, pool); err != nil {
			return nil, err
		}
		m.Changes = &changes.Changes
	}
	v := make([]float32, n*k)
	for i := range n {
		m.Row(v[i*k:][:k], i, 0)
	}
	return v, nil
}

// Scales reads the scales of a quantised weight; other weights have none.
func Scales(w *nn.Weight) (s convert.Scales, err error) {
	if err := w.CheckScale(); err != nil || w.Scale == nil {
		return s, err
	}
	t, f, err := Load(w.Scale)
	switch {
	case err != nil:
		return s, err
	case f == convert.F16:
		s.Blocks, err = tensor.Data[uint16](t)
		return s, err
	}
	s.Rows, err = Vector(w.Scale)
	for i, v := range s.Rows {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return s, fmt.Errorf("weight %s: scale %d is %g, want 0 or more", w.Scale.Name, i, v)
		}
	}
	return s, err
}
