// Package gorgonia hands tensors to and from gorgonia.org/tensor without
// copying: both sides see one memory, and what one writes the other reads.
//
// The package is apart because that module adds about 14 MB to a program.
package gorgonia

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	gt "gorgonia.org/tensor"

	"github.com/df65613c/easel/tensor"
)

// FromDense returns a tensor that shares the memory of d. Slices, transposed
// and column-major tensors become strided views. Masked tensors, those whose
// memory is not Go's (another engine's, or manually managed) and element types
// that package tensor lacks are errors.
func FromDense(d *gt.Dense) (*tensor.Tensor, error) {
	dt, ok := dtypeOf(d.Dtype())
	switch {
	case !ok:
		return nil, fmt.Errorf("gorgonia: no dtype for elements of type %v", d.Dtype())
	case len(d.Mask()) > 0:
		return nil, errors.New("gorgonia: a masked tensor cannot be shared")
	case !d.IsNativelyAccessible() || d.IsManuallyManaged():
		return nil, errors.New("gorgonia: the memory is not Go's and cannot be shared")
	}
	shape := tensor.Shape(d.Shape())
	strides := d.Strides()
	if len(strides) != len(shape) {
		return nil, fmt.Errorf("gorgonia: shape %v with %d strides: materialise the tensor first", shape, len(strides))
	}
	t, err := tensor.FromStrided(dt, shape, strides, 0, memory(d))
	if err != nil {
		return nil, fmt.Errorf("gorgonia: %w", err)
	}
	return t, nil
}

// memory returns the bytes of d, which they keep alive.
func memory(d *gt.Dense) []byte {
	n := d.MemSize()
	if n == 0 {
		return nil
	}
	addr := d.Uintptr()
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), n)
}

// ToDense returns a Dense that shares the memory of t. A contiguous tensor
// becomes a row-major Dense, and one with its axes permuted a lazily transposed
// one. Other views, such as slices and repeated axes, are errors (see
// Contiguous), and so are dtypes that Go has no type for, such as F16 (see
// Convert).
func ToDense(t *tensor.Tensor) (*gt.Dense, error) {
	// The axes in the order in which they lie in memory.
	order := make([]int, len(t.Shape()))
	for i := range order {
		order[i] = i
	}
	if !t.IsContiguous() {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(t.Strides()[b], t.Strides()[a]) })
	}
	base, err := t.Permute(order...)
	if err != nil {
		return nil, err
	}
	if !base.IsContiguous() {
		return nil, fmt.Errorf("gorgonia: shape %v with strides %v cannot be shared: make it contiguous first", t.Shape(), t.Strides())
	}
	backing, err := slice(base)
	if err != nil {
		return nil, fmt.Errorf("gorgonia: %w", err)
	}
	d := gt.New(gt.WithShape(base.Shape()...), gt.WithBacking(backing))
	if t.IsContiguous() {
		return d, nil
	}
	axes := make([]int, len(order))
	for i, a := range order {
		axes[a] = i
	}
	return d, d.T(axes...)
}

// slice returns the elements of a contiguous tensor as a Go slice.
func slice(t *tensor.Tensor) (any, error) {
	switch t.DType() {
	case tensor.Bool:
		return tensor.Data[bool](t)
	case tensor.U8:
		return tensor.Data[uint8](t)
	case tensor.I8:
		return tensor.Data[int8](t)
	case tensor.U16:
		return tensor.Data[uint16](t)
	case tensor.I16:
		return tensor.Data[int16](t)
	case tensor.U32:
		return tensor.Data[uint32](t)
	case tensor.I32:
		return tensor.Data[int32](t)
	case tensor.U64:
		return tensor.Data[uint64](t)
	case tensor.I64:
		return tensor.Data[int64](t)
	case tensor.F32:
		return tensor.Data[float32](t)
	case tensor.F64:
		return tensor.Data[float64](t)
	}
	return nil, fmt.Errorf("no Go type for %s: convert the tensor first", t.DType())
}

func dtypeOf(d gt.Dtype) (tensor.DType, bool) {
	switch d {
	case gt.Bool:
		return tensor.Bool, true
	case gt.Uint8:
		return tensor.U8, true
	case gt.Int8:
		return tensor.I8, true
	case gt.Uint16:
		return tensor.U16, true
	case gt.Int16:
		return tensor.I16, true
	case gt.Uint32:
		return tensor.U32, true
	case gt.Int32:
		return tensor.I32, true
	case gt.Uint64:
		return tensor.U64, true
	case gt.Int64:
		return tensor.I64, true
	case gt.Float32:
		return tensor.F32, true
	case gt.Float64:
		return tensor.F64, true
	case gt.Int:
		return [...]tensor.DType{4: tensor.I32, 8: tensor.I64}[unsafe.Sizeof(0)], true
	case gt.Uint:
		return [...]tensor.DType{4: tensor.U32, 8: tensor.U64}[unsafe.Sizeof(uint(0))], true
	}
	return tensor.Invalid, false
}
