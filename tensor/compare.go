package tensor

import "fmt"

// Less returns whether a < b for each element, as Bool: false if one is NaN.
func Less(a, b *Tensor) (*Tensor, error) {
	return compare("Less", a, b, less[float32], less[float64], less[int64], less[uint64])
}

// Greater returns whether a > b for each element, as Bool.
func Greater(a, b *Tensor) (*Tensor, error) { return Less(b, a) }

// Eq returns whether a == b for each element, as Bool. Equal compares whole
// tensors.
func Eq(a, b *Tensor) (*Tensor, error) {
	return compare("Eq", a, b, eq[float32], eq[float64], eq[int64], eq[uint64])
}

func less[T number](dst []byte, a, b []T) {
	for i := range dst {
		dst[i] = 0
		if a[i] < b[i] {
			dst[i] = 1
		}
	}
}

func eq[T number](dst []byte, a, b []T) {
	for i := range dst {
		dst[i] = 0
		if a[i] == b[i] {
			dst[i] = 1
		}
	}
}

func compare(op string, a, b *Tensor,
	f32 func([]byte, []float32, []float32), f64 func([]byte, []float64, []float64),
	i64 func([]byte, []int64, []int64), u64 func([]byte, []uint64, []uint64),
) (*Tensor, error) {
	a, b, err := pair(op, a, b)
	if err != nil {
		return nil, err
	}
	out, err := Zeros(Bool, a.shape...)
	if err != nil {
		return nil, err
	}
	switch a.dtype.class() {
	case singles:
		err = test(out, a, b, f32)
	case doubles:
		err = test(out, a, b, f64)
	case signed:
		err = test(out, a, b, i64)
	case unsigned:
		err = test(out, a, b, u64)
	default:
		err = undefined(op, a)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func test[T number](out, a, b *Tensor, f func(dst []byte, a, b []T)) error {
	x, y := operandOf[T](a), operandOf[T](b)
	return forChunks(out.NumElements(), func(lo, hi int) {
		f(out.data[lo:hi], x.window().load(lo, hi), y.window().load(lo, hi))
	})
}

// Where returns the elements of a where cond, a Bool tensor, is true, and
// those of b elsewhere. All three are broadcast.
func Where(cond, a, b *Tensor) (*Tensor, error) {
	if cond.dtype != Bool || a.dtype != b.dtype || a.dtype.class() == opaque {
		return nil, fmt.Errorf("tensor: Where on %s of %s and %s: it takes Bool and two tensors of one dtype",
			cond.dtype, a.dtype, b.dtype)
	}
	shape, err := BroadcastShapes(cond.shape, a.shape, b.shape)
	if err != nil {
		return nil, fmt.Errorf("tensor: Where: %w", err)
	}
	out, err := Zeros(a.dtype, shape...)
	if err != nil {
		return nil, err
	}
	var from [2]*Tensor
	for i, t := range []*Tensor{b, a} {
		if from[i], err = t.Expand(shape...); err != nil {
			return nil, err
		}
	}
	if cond, err = cond.Expand(shape...); err != nil {
		return nil, err
	}
	size := out.dtype.Size()
	c, no, yes := stridedOf(cond), stridedOf(from[0]), stridedOf(from[1])
	return out, forChunks(out.NumElements(), func(lo, hi int) {
		dst := out.data[lo*size : hi*size]
		mask, other := make([]byte, hi-lo), make([]byte, len(dst))
		c.read(mask, lo)
		no.read(dst, lo)
		yes.read(other, lo)
		for i, m := range mask {
			if m != 0 {
				copy(dst[i*size:(i+1)*size], other[i*size:])
			}
		}
	})
}
