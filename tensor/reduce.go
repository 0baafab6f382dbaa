package tensor

import (
	"fmt"
	"iter"
	"math"
	"slices"
)

// Sum returns the sums over the given axes, over all if none is given.
// keepDims leaves them in the shape with size 1. Sums of floating-point
// elements are made in float64 and have the dtype of t; those of integers are
// I64 or U64 and wrap around.
func Sum(t *Tensor, keepDims bool, axes ...int) (*Tensor, error) {
	switch c := t.dtype.class(); {
	case t.dtype == Bool:
		return nil, undefined("Sum", t)
	case c == signed:
		return reduce[int64, int64]("Sum", t, I64, keepDims, axes, total[int64, int64])
	case c == unsigned:
		return reduce[uint64, uint64]("Sum", t, U64, keepDims, axes, total[uint64, uint64])
	}
	return reduceFloats("Sum", t, keepDims, axes, total[float32, float64], total[float64, float64])
}

// Mean returns the means over the given axes, as Sum does, for floating-point
// dtypes. The mean of no elements is NaN.
func Mean(t *Tensor, keepDims bool, axes ...int) (*Tensor, error) {
	return reduceFloats("Mean", t, keepDims, axes, mean[float32], mean[float64])
}

// Var returns the variances over the given axes, for floating-point dtypes: the
// sum of squared distances from the mean, divided by the number of elements
// minus correction. Correction 0 is NumPy's default, 1 PyTorch's.
func Var(t *Tensor, correction float64, keepDims bool, axes ...int) (*Tensor, error) {
	return reduceFloats("Var", t, keepDims, axes, variance[float32](correction), variance[float64](correction))
}

// Max returns the largest elements over the given axes, as Sum does, and NaN
// where there is a NaN. The maximum of no elements is an error.
func Max(t *Tensor, keepDims bool, axes ...int) (*Tensor, error) {
	return extreme("Max", t, keepDims, axes, largest[float32], largest[float64], largest[int64], largest[uint64])
}

// Min returns the smallest elements over the given axes, as Max does.
func Min(t *Tensor, keepDims bool, axes ...int) (*Tensor, error) {
	return extreme("Min", t, keepDims, axes, smallest[float32], smallest[float64], smallest[int64], smallest[uint64])
}

// ArgMax returns the I64 indices of the largest elements along an axis: the
// first of equal ones, or the first NaN.
func ArgMax(t *Tensor, keepDims bool, axis int) (*Tensor, error) {
	axes := []int{axis}
	if err := notEmpty("ArgMax", t, axes); err != nil {
		return nil, err
	}
	switch t.dtype.class() {
	case singles:
		return reduce[float32, int64]("ArgMax", t, I64, keepDims, axes, argMax[float32])
	case doubles:
		return reduce[float64, int64]("ArgMax", t, I64, keepDims, axes, argMax[float64])
	case signed:
		return reduce[int64, int64]("ArgMax", t, I64, keepDims, axes, argMax[int64])
	case unsigned:
		return reduce[uint64, int64]("ArgMax", t, I64, keepDims, axes, argMax[uint64])
	}
	return nil, undefined("ArgMax", t)
}

// fold turns the elements that make up one element of the result, in parts,
// into that. It may go over them more than once.
type fold[T, R number] func(parts iter.Seq[[]T]) R

// reduce folds t, of class T, over axes into a tensor of dtype dt.
func reduce[T, R number](op string, t *Tensor, dt DType, keepDims bool, axes []int, f fold[T, R]) (*Tensor, error) {
	kept, reduced, err := splitAxes(op, t, axes)
	if err != nil {
		return nil, err
	}
	v, err := t.Permute(slices.Concat(kept, reduced)...)
	if err != nil {
		return nil, err
	}
	outputs := v.shape[:len(kept)].NumElements()
	n := v.shape[len(kept):].NumElements()
	out, err := Zeros(dt, v.shape[:len(kept)]...)
	if err != nil {
		return nil, err
	}
	in, to := operandOf[T](v), operandOf[R](out)
	group := max(1, chunk/max(1, n)) // outputs of a unit
	err = forUnits((outputs+group-1)/group, func(u int) {
		lo, hi := u*group, min((u+1)*group, outputs)
		from, w := in.window(), to.window()
		dst := w.room(lo, hi)
		for i := lo; i < hi; i++ {
			dst[i-lo] = f(func(yield func([]T) bool) {
				for p := i * n; p < (i+1)*n; p += chunk {
					if !yield(from.load(p, min(p+chunk, (i+1)*n))) {
						return
					}
				}
			})
		}
		w.store(dst, lo)
	})
	if err != nil {
		return nil, fmt.Errorf("tensor: %s: %w", op, err)
	}
	if !keepDims {
		return out, nil
	}
	shape := t.shape.Clone()
	for _, a := range reduced {
		shape[a] = 1
	}
	return out.Reshape(shape...)
}

// splitAxes divides the axes into those that remain and those to reduce.
func splitAxes(op string, t *Tensor, axes []int) (kept, reduced []int, err error) {
	drop := make([]bool, len(t.shape))
	for _, a := range axes {
		i, err := t.axis(a)
		if err != nil {
			return nil, nil, err
		}
		if drop[i] {
			return nil, nil, fmt.Errorf("tensor: %s over axes %v: axis %d twice", op, axes, i)
		}
		drop[i] = true
	}
	for i := range t.shape {
		if len(axes) == 0 || drop[i] {
			reduced = append(reduced, i)
		} else {
			kept = append(kept, i)
		}
	}
	return kept, reduced, nil
}

// reduceFloats makes the sums in float64 and rounds them once.
func reduceFloats(op string, t *Tensor, keepDims bool, axes []int, f32 fold[float32, float64],
	f64 fold[float64, float64]) (*Tensor, error) {
	var out *Tensor
	var err error
	switch t.dtype.class() {
	case singles:
		out, err = reduce(op, t, F64, keepDims, axes, f32)
	case doubles:
		out, err = reduce(op, t, F64, keepDims, axes, f64)
	default:
		return nil, undefined(op, t)
	}
	if err != nil {
		return nil, err
	}
	return out.Convert(t.dtype)
}

func extreme(op string, t *Tensor, keepDims bool, axes []int,
	f32 fold[float32, float32], f64 fold[float64, float64], i64 fold[int64, int64], u64 fold[uint64, uint64],
) (*Tensor, error) {
	if err := notEmpty(op, t, axes); err != nil {
		return nil, err
	}
	switch t.dtype.class() {
	case singles:
		return reduce(op, t, t.dtype, keepDims, axes, f32)
	case doubles:
		return reduce(op, t, t.dtype, keepDims, axes, f64)
	case signed:
		return reduce(op, t, t.dtype, keepDims, axes, i64)
	case unsigned:
		return reduce(op, t, t.dtype, keepDims, axes, u64)
	}
	return nil, undefined(op, t)
}

func notEmpty(op string, t *Tensor, axes []int) error {
	_, reduced, err := splitAxes(op, t, axes)
	if err != nil {
		return err
	}
	for _, a := range reduced {
		if t.shape[a] == 0 {
			return fmt.Errorf("tensor: %s over axis %d of %v, which is empty", op, a, t.shape)
		}
	}
	return nil
}

func total[T, R number](parts iter.Seq[[]T]) R {
	var sum R
	for p := range parts {
		for _, v := range p {
			sum += R(v)
		}
	}
	return sum
}

func mean[T number](parts iter.Seq[[]T]) float64 {
	n := 0
	for p := range parts {
		n += len(p)
	}
	return total[T, float64](parts) / float64(n)
}

func variance[T number](correction float64) fold[T, float64] {
	return func(parts iter.Seq[[]T]) float64 {
		m := mean(parts)
		sq, n := 0.0, 0
		for p := range parts {
			for _, v := range p {
				d := float64(v) - m
				sq += d * d
			}
			n += len(p)
		}
		return sq / math.Max(float64(n)-correction, 0)
	}
}

func largest[T number](parts iter.Seq[[]T]) (m T) {
	first := true
	for p := range parts {
		if first {
			m, first = p[0], false
		}
		for _, v := range p {
			m = max(m, v)
		}
	}
	return m
}

func smallest[T number](parts iter.Seq[[]T]) (m T) {
	first := true
	for p := range parts {
		if first {
			m, first = p[0], false
		}
		for _, v := range p {
			m = min(m, v)
		}
	}
	return m
}

func argMax[T number](parts iter.Seq[[]T]) int64 {
	var m T
	best, n := 0, 0
	for p := range parts {
		for i, v := range p {
			if n+i == 0 || v > m || v != v && m == m {
				m, best = v, n+i
			}
		}
		n += len(p)
	}
	return int64(best)
}
