package tensor

import (
	"fmt"
	"math"
)

// Add returns a + b. As in all operations on two tensors, the operands have
// one dtype and are broadcast as in NumPy; integers wrap around.
func Add(a, b *Tensor) (*Tensor, error) { return add.apply(a, b) }

// Sub returns a - b.
func Sub(a, b *Tensor) (*Tensor, error) { return sub.apply(a, b) }

// Mul returns the product of the elements. MatMul returns that of matrices.
func Mul(a, b *Tensor) (*Tensor, error) { return mul.apply(a, b) }

// Div returns a / b. Integers are truncated toward zero, and an integer
// divided by zero is an error.
func Div(a, b *Tensor) (*Tensor, error) { return div.apply(a, b) }

// Maximum returns the larger elements, NaN where either is NaN.
func Maximum(a, b *Tensor) (*Tensor, error) { return maximum.apply(a, b) }

// Minimum returns the smaller elements, NaN where either is NaN.
func Minimum(a, b *Tensor) (*Tensor, error) { return minimum.apply(a, b) }

// Pow returns a to the power of b, for floating-point dtypes.
func Pow(a, b *Tensor) (*Tensor, error) { return pow.apply(a, b) }

// binaryOp is an operation on two elements, for each class that it is defined for.
type binaryOp struct {
	name string
	f32  func(dst, a, b []float32)
	f64  func(dst, a, b []float64)
	i64  func(dst, a, b []int64)
	u64  func(dst, a, b []uint64)
}

var (
	add     = binaryOp{"Add", addAll[float32], addAll[float64], addAll[int64], addAll[uint64]}
	sub     = binaryOp{"Sub", subAll[float32], subAll[float64], subAll[int64], subAll[uint64]}
	mul     = binaryOp{"Mul", mulAll[float32], mulAll[float64], mulAll[int64], mulAll[uint64]}
	div     = binaryOp{"Div", divAll[float32], divAll[float64], divAll[int64], divAll[uint64]}
	maximum = binaryOp{"Maximum", maxAll[float32], maxAll[float64], maxAll[int64], maxAll[uint64]}
	minimum = binaryOp{"Minimum", minAll[float32], minAll[float64], minAll[int64], minAll[uint64]}
	pow     = binaryOp{"Pow", powAll[float32], powAll[float64], nil, nil}
)

func (op *binaryOp) apply(a, b *Tensor) (*Tensor, error) {
	a, b, err := pair(op.name, a, b)
	if err != nil {
		return nil, err
	}
	out, err := Zeros(a.dtype, a.shape...)
	if err != nil {
		return nil, err
	}
	switch c := a.dtype.class(); {
	case a.dtype == Bool:
		return nil, undefined(op.name, a)
	case c == singles:
		err = zip(out, a, b, op.f32)
	case c == doubles:
		err = zip(out, a, b, op.f64)
	case c == signed && op.i64 != nil:
		err = zip(out, a, b, op.i64)
	case c == unsigned && op.u64 != nil:
		err = zip(out, a, b, op.u64)
	default:
		return nil, undefined(op.name, a)
	}
	if err != nil {
		return nil, fmt.Errorf("tensor: %s: %w", op.name, err)
	}
	return out, nil
}

// pair checks the dtypes of two operands and broadcasts them.
func pair(op string, a, b *Tensor) (*Tensor, *Tensor, error) {
	if a.dtype != b.dtype {
		return nil, nil, fmt.Errorf("tensor: %s of %s and %s: convert one of them", op, a.dtype, b.dtype)
	}
	shape, err := BroadcastShapes(a.shape, b.shape)
	if err != nil {
		return nil, nil, fmt.Errorf("tensor: %s: %w", op, err)
	}
	if a, err = a.Expand(shape...); err != nil {
		return nil, nil, err
	}
	b, err = b.Expand(shape...)
	return a, b, err
}

func zip[T number](out, a, b *Tensor, f func(dst, a, b []T)) error {
	o, x, y := operandOf[T](out), operandOf[T](a), operandOf[T](b)
	return forChunks(out.NumElements(), func(lo, hi int) {
		w := o.window()
		dst := w.room(lo, hi)
		f(dst, x.window().load(lo, hi), y.window().load(lo, hi))
		w.store(dst, lo)
	})
}

func addAll[T number](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func subAll[T number](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func mulAll[T number](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func divAll[T number](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

func maxAll[T number](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

func minAll[T number](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = min(a[i], b[i])
	}
}

func powAll[T float32 | float64](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = T(math.Pow(float64(a[i]), float64(b[i])))
	}
}
