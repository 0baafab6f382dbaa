package tensor

import "unsafe"

// operand is a tensor whose elements are read and written in row-major order
// as values of its class T.
type operand[T number] struct {
	strided
	dtype  DType
	dense  bool
	direct []T // the elements, where they lie in order as T
}

func operandOf[T number](t *Tensor) *operand[T] {
	o := &operand[T]{strided: stridedOf(t), dtype: t.dtype, dense: t.IsContiguous()}
	if n := t.NumElements(); n > 0 && o.dense && o.size == int(unsafe.Sizeof(T(0))) {
		p := unsafe.Pointer(unsafe.SliceData(o.bytes(0, n)))
		if uintptr(p)%unsafe.Alignof(T(0)) == 0 {
			o.direct = unsafe.Slice((*T)(p), n)
		}
	}
	return o
}

// bytes returns the memory of elements of a dense operand.
func (o *operand[T]) bytes(lo, hi int) []byte {
	return o.mem[(o.offset+lo)*o.size : (o.offset+hi)*o.size]
}

// window is the working memory through which one goroutine sees an operand.
type window[T number] struct {
	*operand[T]
	raw    []byte
	values []T
}

func (o *operand[T]) window() *window[T] { return &window[T]{operand: o} }

// load returns elements lo to hi-1, valid until the next call.
func (w *window[T]) load(lo, hi int) []T {
	if w.direct != nil {
		return w.direct[lo:hi]
	}
	v := w.room(lo, hi)
	if w.dense {
		decode(v, w.bytes(lo, hi), w.dtype)
		return v
	}
	raw := w.scratch(hi - lo)
	w.read(raw, lo)
	decode(v, raw, w.dtype)
	return v
}

// room returns where to put elements lo to hi-1 before store.
func (w *window[T]) room(lo, hi int) []T {
	if w.direct != nil {
		return w.direct[lo:hi]
	}
	if n := hi - lo; n > cap(w.values) {
		w.values = make([]T, n)
	}
	return w.values[:hi-lo]
}

// store sets elements from lo on to what room returned.
func (w *window[T]) store(v []T, lo int) {
	switch {
	case w.direct != nil:
	case w.dense:
		encode(w.bytes(lo, lo+len(v)), v, w.dtype)
	default:
		raw := w.scratch(len(v))
		encode(raw, v, w.dtype)
		w.write(raw, lo)
	}
}

func (w *window[T]) scratch(n int) []byte {
	if n *= w.size; n > cap(w.raw) {
		w.raw = make([]byte, n)
	}
	return w.raw[:n]
}
