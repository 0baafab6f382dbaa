package tensor

import "fmt"

// Contiguous returns t if its elements lie in row-major order without gaps, and
// otherwise a copy whose elements do.
func (t *Tensor) Contiguous() (*Tensor, error) {
	if t.IsContiguous() {
		return t, nil
	}
	return t.Clone()
}

// Clone returns a contiguous copy.
func (t *Tensor) Clone() (*Tensor, error) {
	c, err := Zeros(t.dtype, t.shape...)
	if err != nil {
		return nil, err
	}
	if t.IsContiguous() {
		copy(c.data, t.Bytes())
		return c, nil
	}
	if t.dtype.Size() == 0 {
		return nil, fmt.Errorf("tensor: %s%v with strides %v is not contiguous and its blocks cannot be split", t.dtype, t.shape, t.strides)
	}
	s := stridedOf(t)
	return c, forChunks(t.NumElements(), func(lo, hi int) {
		s.read(c.data[lo*s.size:hi*s.size], lo)
	})
}

// Convert returns t with another dtype, or t itself if it has that already.
// Floating-point values are rounded to nearest even, or truncated to integers
// and clamped to the range of dt (NaN becomes 0). A value above the largest
// F8E4M3 becomes the largest, since that type has no infinity. Integers keep
// their low bits in a narrower integer. For Bool all but 0 is true. All types
// in blocks can be converted to numbers, and numbers to Q4_0, Q4_1, Q5_0, Q5_1
// and Q8_0, as ggml and bitsandbytes do.
func (t *Tensor) Convert(dt DType) (*Tensor, error) {
	if t.dtype == dt {
		return t, nil
	}
	switch {
	case t.dtype.Blocked() && (dt.Blocked() || dt.class() != opaque):
		wide, err := t.widen()
		if err != nil {
			return nil, err
		}
		return wide.Convert(dt)
	case dt.Blocked() && t.dtype.class() != opaque:
		wide, err := t.Convert(F32)
		if err != nil {
			return nil, err
		}
		return wide.round(dt)
	case t.dtype.class() == opaque || dt.class() == opaque:
		return nil, fmt.Errorf("tensor: no conversion from %s to %s", t.dtype, dt)
	}
	c, err := Zeros(dt, t.shape...)
	if err != nil {
		return nil, err
	}
	return c, copyElements(c, t)
}

// Copy sets the elements of dst, which may be a view, to those of src, which
// is broadcast to the shape of dst and converted to its dtype as by Convert.
// The two must not overlap.
func Copy(dst, src *Tensor) error {
	if dst.dtype.class() == opaque || src.dtype.class() == opaque {
		return fmt.Errorf("tensor: Copy of %s to %s: the dtypes are only stored", src.dtype, dst.dtype)
	}
	src, err := src.Expand(dst.shape...)
	if err != nil {
		return err
	}
	return copyElements(dst, src)
}

// copyElements converts between tensors of one shape.
func copyElements(dst, src *Tensor) error {
	switch dst.dtype.class() {
	case singles:
		return copyTo[float32](dst, src)
	case doubles:
		return copyTo[float64](dst, src)
	case signed:
		return copyTo[int64](dst, src)
	default:
		return copyTo[uint64](dst, src)
	}
}

func copyTo[D number](dst, src *Tensor) error {
	switch src.dtype.class() {
	case singles:
		return copyFromTo[D, float32](dst, src)
	case doubles:
		return copyFromTo[D, float64](dst, src)
	case signed:
		return copyFromTo[D, int64](dst, src)
	default:
		return copyFromTo[D, uint64](dst, src)
	}
}

func copyFromTo[D, S number](dst, src *Tensor) error {
	d, s := operandOf[D](dst), operandOf[S](src)
	return forChunks(dst.NumElements(), func(lo, hi int) {
		to := d.window()
		from := s.window().load(lo, hi)
		v := to.room(lo, hi)
		if same, ok := any(from).([]D); ok && dst.dtype != Bool {
			copy(v, same)
		} else {
			cast(v, from, dst.dtype)
		}
		to.store(v, lo)
	})
}
