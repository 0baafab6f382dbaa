package tensor

import (
	"fmt"
	"iter"
)

// Number is a Go type that elements can be read as.
type Number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint | ~float32 | ~float64
}

// Values returns the elements in row-major order, each converted to T as Go
// converts numbers; Bool gives 0 and 1. A dtype that is only stored has none.
func Values[T Number](t *Tensor) iter.Seq[T] {
	return func(yield func(T) bool) {
		switch t.dtype.class() {
		case singles:
			values[T, float32](t, yield)
		case doubles:
			values[T, float64](t, yield)
		case signed:
			values[T, int64](t, yield)
		case unsigned:
			values[T, uint64](t, yield)
		}
	}
}

func values[T Number, S number](t *Tensor, yield func(T) bool) {
	w := operandOf[S](t).window()
	n := t.NumElements()
	for lo := 0; lo < n; lo += chunk {
		for _, v := range w.load(lo, min(lo+chunk, n)) {
			if !yield(T(v)) {
				return
			}
		}
	}
}

// All returns the elements in row-major order with their indices. The index
// slice is used again for the next element.
func (t *Tensor) All() iter.Seq2[[]int, float64] {
	return func(yield func([]int, float64) bool) {
		index := make([]int, len(t.shape))
		for v := range Values[float64](t) {
			if !yield(index, v) {
				return
			}
			for a := len(index) - 1; a >= 0; a-- {
				if index[a]++; index[a] < t.shape[a] {
					break
				}
				index[a] = 0
			}
		}
	}
}

// At returns an element. Negative indices count from the end.
func (t *Tensor) At(index ...int) (float64, error) {
	if len(index) != len(t.shape) {
		return 0, fmt.Errorf("tensor: index %v of %v needs %d numbers", index, t.shape, len(t.shape))
	}
	if t.dtype.class() == opaque {
		return 0, undefined("At", t)
	}
	offset := t.offset
	for a, i := range index {
		n := t.shape[a]
		if i < -n || i >= n {
			return 0, fmt.Errorf("tensor: index %v is outside %v", index, t.shape)
		}
		if i < 0 {
			i += n
		}
		offset += i * t.strides[a]
	}
	return element[float64](t.view(nil, nil, offset)), nil
}

// element returns the value of a tensor without axes.
func element[T Number](t *Tensor) (v T) {
	for v = range Values[T](t) {
	}
	return v
}

// unravel returns the index of the n-th element of a shape.
func unravel(n int, s Shape) []int {
	index := make([]int, len(s))
	for a := len(s) - 1; a >= 0; a-- {
		index[a] = n % s[a]
		n /= s[a]
	}
	return index
}
