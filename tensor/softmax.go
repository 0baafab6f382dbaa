package tensor

import (
	"fmt"
	"math"
	"slices"
)

// Softmax returns exp(t) / sum(exp(t)) along an axis, for floating-point
// dtypes, computed in float64 after the largest element is subtracted.
func Softmax(t *Tensor, axis int) (*Tensor, error) {
	axis, err := t.axis(axis)
	if err != nil {
		return nil, err
	}
	v, err := t.Transpose(axis, -1)
	if err != nil {
		return nil, err
	}
	out, err := Zeros(t.dtype, t.shape...)
	if err != nil {
		return nil, err
	}
	to, err := out.Transpose(axis, -1)
	if err != nil {
		return nil, err
	}
	n := t.shape[axis]
	if t.NumElements() == 0 {
		n = 1
	}
	rows := t.NumElements() / n
	switch t.dtype.class() {
	case singles:
		err = softmaxRows[float32](to, v, rows, n)
	case doubles:
		err = softmaxRows[float64](to, v, rows, n)
	default:
		return nil, undefined("Softmax", t)
	}
	if err != nil {
		return nil, fmt.Errorf("tensor: Softmax: %w", err)
	}
	return out, nil
}

func softmaxRows[T float32 | float64](out, t *Tensor, rows, n int) error {
	o, x := operandOf[T](out), operandOf[T](t)
	group := max(1, chunk/n)
	return forUnits((rows+group-1)/group, func(u int) {
		to, from := o.window(), x.window()
		e := make([]float64, n)
		for r := u * group; r < min((u+1)*group, rows); r++ {
			src := from.load(r*n, (r+1)*n)
			top := float64(slices.Max(src))
			sum := 0.0
			for i, v := range src {
				e[i] = math.Exp(float64(v) - top)
				sum += e[i]
			}
			dst := to.room(r*n, (r+1)*n)
			for i, v := range e {
				dst[i] = T(v / sum)
			}
			to.store(dst, r*n)
		}
	})
}
