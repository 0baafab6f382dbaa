package tensor

import (
	"fmt"
	"slices"
	"unsafe"
)

// Tensor is a strided view of bytes in memory. Views made from it share those
// bytes. Reading is safe from several goroutines; writing is the caller's to order.
type Tensor struct {
	dtype   DType
	shape   Shape
	strides []int // in elements
	offset  int   // of the first element, in elements
	data    []byte
}

// alignment of the memory that New returns: a cache line, and the widest vector.
const alignment = 64

// New returns a tensor of zeros. It panics if the shape is negative or too
// large, as make does; check sizes that come from outside with Shape.Check.
func New(dt DType, shape ...int) *Tensor {
	s := Shape(shape).Clone()
	if err := s.Check(); err != nil {
		panic(err)
	}
	n, err := dt.ByteLen(s.NumElements())
	if err != nil {
		panic(err)
	}
	return &Tensor{dtype: dt, shape: s, strides: s.RowMajor(), data: alignedBytes(n)}
}

func alignedBytes(n int) []byte {
	b := make([]byte, n+alignment)
	off := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (alignment - 1)
	b = b[off : off+n : off+n]
	adviseHugePages(b)
	return b
}

// FromBytes returns a contiguous tensor over data, which it shares. The bytes
// are little endian and must be exactly as many as dtype and shape say.
func FromBytes(dt DType, shape Shape, data []byte) (*Tensor, error) {
	if err := shape.Check(); err != nil {
		return nil, err
	}
	n, err := dt.ByteLen(shape.NumElements())
	if err != nil {
		return nil, err
	}
	if n != len(data) {
		return nil, fmt.Errorf("tensor: %s%v takes %d bytes, not %d", dt, shape, n, len(data))
	}
	return &Tensor{dtype: dt, shape: shape.Clone(), strides: shape.RowMajor(), data: data}, nil
}

// Element is a Go type whose slices a tensor can share.
type Element interface {
	~bool | ~uint8 | ~int8 | ~uint16 | ~int16 | ~uint32 | ~int32 | ~uint64 | ~int64 | ~float32 | ~float64
}

// FromSlice returns a contiguous tensor that shares values. A []uint16 becomes
// U16: FromBytes makes an F16 or BF16 tensor.
func FromSlice[T Element](values []T, shape ...int) (*Tensor, error) {
	dt := dtypeOf[T]()
	return FromBytes(dt, shape, bytesOf(values))
}

// Data returns the elements of a contiguous tensor as a slice that shares its
// memory. T must be the Go type of the dtype (uint16 for F16 and BF16, uint8
// for the 8-bit floats).
func Data[T Element](t *Tensor) ([]T, error) {
	var zero T
	want := dtypeOf[T]()
	ok := want == t.dtype || (want == U16 && (t.dtype == F16 || t.dtype == BF16)) ||
		(want == U8 && (t.dtype == F8E4M3 || t.dtype == F8E5M2))
	if !ok {
		return nil, fmt.Errorf("tensor: elements are %s, not %s (%T)", t.dtype, want, zero)
	}
	if !t.IsContiguous() {
		return nil, fmt.Errorf("tensor: %s%v with strides %v is not contiguous", t.dtype, t.shape, t.strides)
	}
	b := t.Bytes()
	if len(b) == 0 {
		return nil, nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)%unsafe.Alignof(zero) != 0 {
		return nil, fmt.Errorf("tensor: the bytes of %s%v are not aligned to %d", t.dtype, t.shape, unsafe.Alignof(zero))
	}
	return unsafe.Slice((*T)(p), len(b)/int(unsafe.Sizeof(zero))), nil
}

// Float32s is Data[float32] for a tensor that the caller knows to be
// contiguous F32; it panics otherwise.
func (t *Tensor) Float32s() []float32 {
	v, err := Data[float32](t)
	if err != nil {
		panic(err)
	}
	return v
}

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return F32
	case float64:
		return F64
	case bool:
		return Bool
	case uint8:
		return U8
	case int8:
		return I8
	case uint16:
		return U16
	case int16:
		return I16
	case uint32:
		return U32
	case int32:
		return I32
	case uint64:
		return U64
	case int64:
		return I64
	}
	return Invalid
}

func bytesOf[T Element](v []T) []byte {
	var zero T
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(zero)))
}

// DType returns the type of the elements.
func (t *Tensor) DType() DType { return t.dtype }

// Shape returns the sizes; the caller must not change them.
func (t *Tensor) Shape() Shape { return t.shape }

// Strides returns the distance between neighbours along each axis, in
// elements; the caller must not change them.
func (t *Tensor) Strides() []int { return t.strides }

// Offset returns the index of the first element in the underlying memory.
func (t *Tensor) Offset() int { return t.offset }

// NumElements returns the number of elements.
func (t *Tensor) NumElements() int { return t.shape.NumElements() }

// IsContiguous reports whether the elements lie in row-major order without gaps.
func (t *Tensor) IsContiguous() bool {
	n := 1
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.strides[i] != n {
			return t.shape.NumElements() == 0
		}
		n *= t.shape[i]
	}
	return true
}

// Bytes returns the memory of a contiguous tensor; it panics if t is not contiguous.
func (t *Tensor) Bytes() []byte {
	if !t.IsContiguous() {
		panic(fmt.Sprintf("tensor: Bytes of %s%v with strides %v, which is not contiguous", t.dtype, t.shape, t.strides))
	}
	n, err := t.dtype.ByteLen(t.NumElements())
	if err != nil {
		panic(err)
	}
	if n == 0 {
		return nil // the offset of an empty view may lie past the end
	}
	elems, bytes := t.dtype.Block()
	off := t.offset / elems * bytes
	return t.data[off : off+n : off+n]
}

// Memory returns the whole memory that t is a view of; element (i, j, ...) is
// at Offset()+i*Strides()[0]+j*Strides()[1]+... in elements.
func (t *Tensor) Memory() []byte { return t.data }

// view returns a tensor that shares t's memory.
func (t *Tensor) view(shape Shape, strides []int, offset int) *Tensor {
	return &Tensor{dtype: t.dtype, shape: shape, strides: strides, offset: offset, data: t.data}
}

// Reshape returns a view with another shape and the same number of elements.
// One size may be -1: it follows from the others. A tensor that is not
// contiguous is an error.
func (t *Tensor) Reshape(shape ...int) (*Tensor, error) {
	s, rest, known := Shape(shape).Clone(), -1, 1
	for i, d := range s {
		switch {
		case d == -1 && rest < 0:
			rest = i
		case d < 0:
			return nil, fmt.Errorf("tensor: cannot reshape %v to %v", t.shape, Shape(shape))
		default:
			known *= d
		}
	}
	n := t.NumElements()
	if rest >= 0 && known > 0 {
		s[rest] = n / known
	}
	if s.Check() != nil || s.NumElements() != n {
		return nil, fmt.Errorf("tensor: cannot reshape %v (%d elements) to %v", t.shape, n, Shape(shape))
	}
	if !t.IsContiguous() {
		return nil, fmt.Errorf("tensor: cannot reshape %v with strides %v: not contiguous", t.shape, t.strides)
	}
	return t.view(s, s.RowMajor(), t.offset), nil
}

// Permute returns a view with the axes in another order: axis i of the result
// is axis perm[i] of t. Negative axes count from the end.
func (t *Tensor) Permute(perm ...int) (*Tensor, error) {
	if len(perm) != len(t.shape) {
		return nil, fmt.Errorf("tensor: permutation %v of %v needs %d axes", perm, t.shape, len(t.shape))
	}
	seen := make([]bool, len(perm))
	s, st := make(Shape, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		p, err := t.axis(p)
		if err != nil || seen[p] {
			return nil, fmt.Errorf("tensor: %v is no permutation of the axes of %v", perm, t.shape)
		}
		seen[p] = true
		s[i], st[i] = t.shape[p], t.strides[p]
	}
	return t.view(s, st, t.offset), nil
}

// Narrow returns the view of elements start to stop-1 along an axis. A negative
// axis counts from the end.
func (t *Tensor) Narrow(axis, start, stop int) (*Tensor, error) {
	axis, err := t.axis(axis)
	if err != nil {
		return nil, err
	}
	if start < 0 || stop < start || stop > t.shape[axis] {
		return nil, fmt.Errorf("tensor: range %d:%d of axis %d of %v", start, stop, axis, t.shape)
	}
	s := t.shape.Clone()
	s[axis] = stop - start
	return t.view(s, slices.Clone(t.strides), t.offset+start*t.strides[axis]), nil
}
