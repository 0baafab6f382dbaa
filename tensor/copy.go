package tensor

import "fmt"

// Contiguous returns t if its elements lie in row-major order without gaps,
// and a copy that does otherwise.
func (t *Tensor) Contiguous() (*Tensor, error) {
	if t.IsContiguous() {
		return t, nil
	}
	return t.Clone()
}

// Clone returns a contiguous copy.
func (t *Tensor) Clone() (*Tensor, error) {
	n, err := t.dtype.ByteLen(t.NumElements())
	if err != nil {
		return nil, err
	}
	c := &Tensor{dtype: t.dtype, shape: t.shape.Clone(), strides: t.shape.RowMajor(), data: alignedBytes(n)}
	if t.IsContiguous() {
		copy(c.data, t.Bytes())
		return c, nil
	}
	if t.dtype.Size() == 0 {
		return nil, fmt.Errorf("tensor: cannot gather %s%v with strides %v: its blocks cannot be split", t.dtype, t.shape, t.strides)
	}
	s := stridedOf(t)
	return c, forChunks(t.NumElements(), func(lo, hi int) {
		s.read(c.data[lo*s.size:hi*s.size], lo)
	})
}
