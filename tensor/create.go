package tensor

import (
	"fmt"
	"math"
)

// maxBytes is a size that make does not panic at.
const maxBytes = min(uint64(maxInt)-alignment, 1<<46)

// Zeros returns a tensor of zeros. Unlike New it reports a bad shape as an error.
func Zeros(dt DType, shape ...int) (*Tensor, error) {
	s := Shape(shape)
	if err := s.Check(); err != nil {
		return nil, err
	}
	if n, err := dt.ByteLen(s.NumElements()); err != nil {
		return nil, err
	} else if uint64(n) > maxBytes {
		return nil, fmt.Errorf("tensor: %s%v would take %d bytes", dt, s, n)
	}
	return New(dt, shape...), nil
}

// Full returns a tensor of one value, converted to dt as by Convert.
func Full(dt DType, value float64, shape ...int) (*Tensor, error) {
	t, err := Zeros(dt, shape...)
	if err != nil {
		return nil, err
	}
	v, err := FromSlice([]float64{value})
	if err != nil {
		return nil, err
	}
	return t, Copy(t, v)
}

// Scalar returns a tensor without axes. It broadcasts to any shape.
func Scalar(dt DType, value float64) (*Tensor, error) { return Full(dt, value) }

// Arange returns start, start+step, ... before stop, one axis. The values are
// computed in float64 and converted to dt as by Convert.
func Arange(dt DType, start, stop, step float64) (*Tensor, error) {
	n := math.Ceil((stop - start) / step)
	if step == 0 || !(math.Abs(n) < 1<<48) {
		return nil, fmt.Errorf("tensor: Arange from %v to %v by %v", start, stop, step)
	}
	return fill(dt, max(int(n), 0), func(i int) float64 { return start + float64(i)*step })
}

// Linspace returns n evenly spaced values from start to stop, both included.
func Linspace(dt DType, start, stop float64, n int) (*Tensor, error) {
	if n < 0 {
		return nil, fmt.Errorf("tensor: Linspace of %d values", n)
	}
	step := 0.0
	if n > 1 {
		step = (stop - start) / float64(n-1)
	}
	return fill(dt, n, func(i int) float64 {
		if i > 0 && i == n-1 {
			return stop
		}
		return start + float64(i)*step
	})
}

func fill(dt DType, n int, f func(i int) float64) (*Tensor, error) {
	t, err := Zeros(F64, n)
	if err != nil {
		return nil, err
	}
	v, err := Data[float64](t)
	if err != nil {
		return nil, err
	}
	for i := range v {
		v[i] = f(i)
	}
	return t.Convert(dt)
}
