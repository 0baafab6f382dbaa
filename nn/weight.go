package nn

import (
	"fmt"

	"github.com/df65613c/easel/tensor"
)

// Weight is a reference to a parameter of a model. What it refers to is read
// when a backend compiles or runs, so that a weight may lie in a mapped file.
type Weight struct {
	Name  string // as the reference names it, for errors
	DType tensor.DType
	Shape tensor.Shape
	// Load returns the weight as a view of the stored bytes. The view may be
	// strided: a transposed matrix needs no copy. The numbers must not change:
	// a backend may keep what it made of them for as long as the Weight lives.
	Load func() (*tensor.Tensor, error)
	// Source tells which bytes are stored. It is comparable, or nil. Weights with
	// equal sources have equal bytes, so that a device may keep one copy of them.
	// A Weight with a nil Source shares its bytes with no other.
	Source any
	// Copied says that Load copies the bytes into memory: the file is not mapped,
	// or the weight is not aligned in it. Backends then count the bytes as
	// memory.
	Copied bool
	// Scale is nil, or the scales by which the numbers of a quantised weight
	// [N,...] are multiplied. I8 has F32 [N], one scale for each row that is not
	// negative, or F16 [N,K/32], one for each 32 of the K numbers of a row. F4
	// has F16 [N,K/32]. F8E4M3 and F8E5M2 may have F32 [N].
	Scale *Weight
	// Deltas are added to the numbers while they are read.
	Deltas []Delta
}

// ScaleBlock is how many consecutive numbers of a quantised row share a scale,
// unless the whole row has one.
const ScaleBlock = 32

// Param returns a Weight for a tensor that is at hand.
func Param(name string, t *tensor.Tensor) *Weight {
	return &Weight{Name: name, DType: t.DType(), Shape: t.Shape(), Load: func() (*tensor.Tensor, error) { return t, nil }}
}

// Quantised reports whether a weight of the type has a scale.
func Quantised(dt tensor.DType) bool { return dt == tensor.I8 || dt == tensor.F4 }

// CheckScale returns an error unless the scale fits the weight.
func (w *Weight) CheckScale() error {
	float8 := w.DType == tensor.F8E4M3 || w.DType == tensor.F8E5M2
	switch {
	case !Quantised(w.DType) && w.Scale == nil:
		return nil
	case !Quantised(w.DType) && !float8:
		return fmt.Errorf("weight %s is %s, which has no scale", w.Name, w.DType)
	case len(w.Shape) < 2:
		return fmt.Errorf("weight %s%v is %s; only matrices and kernels may be", w.Name, w.Shape, w.DType)
	case w.Scale == nil:
		return fmt.Errorf("weight %s is %s and has no scale", w.Name, w.DType)
	}
	n, s := w.Shape[0], w.Scale
	k := w.Shape[1:].NumElements()
	byRow := w.DType == tensor.I8 || float8
	rows := byRow && s.DType == tensor.F32 && s.Shape.Equal(tensor.Shape{n})
	blocks := !float8 && k%ScaleBlock == 0 && s.DType == tensor.F16 && s.Shape.Equal(tensor.Shape{n, k / ScaleBlock})
	if rows || blocks {
		return nil
	}
	var want string
	if byRow {
		want = fmt.Sprintf("F32[%d]", n)
	}
	if !float8 && k%ScaleBlock == 0 {
		if want != "" {
			want += " or "
		}
		want += fmt.Sprintf("F16[%d %d]", n, k/ScaleBlock)
	}
	if want == "" {
		return fmt.Errorf("weight %s is %s with rows of %d, want a multiple of %d", w.Name, w.DType, k, ScaleBlock)
	}
	return fmt.Errorf("the scale of weight %s is %s%v, want %s", w.Name, s.DType, s.Shape, want)
}
