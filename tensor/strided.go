package tensor

import "encoding/binary"

// strided reads and writes the elements of a view in row-major order. Axes
// that lie one after the other in memory are merged into one.
type strided struct {
	mem     []byte
	size    int // bytes of an element
	shape   []int
	strides []int // in elements
	offset  int
}

func stridedOf(t *Tensor) strided {
	s := strided{mem: t.data, size: t.dtype.Size(), offset: t.offset}
	for i, d := range t.shape {
		st := t.strides[i]
		last := len(s.shape) - 1
		switch {
		case d == 1:
		case last >= 0 && s.strides[last] == d*st:
			s.shape[last] *= d
			s.strides[last] = st
		default:
			s.shape, s.strides = append(s.shape, d), append(s.strides, st)
		}
	}
	if len(s.shape) == 0 {
		s.shape, s.strides = []int{1}, []int{1}
	}
	return s
}

// runs calls f for each stretch of evenly spaced elements among the n elements
// from the first-th: at is its first element in memory, done the number of
// elements before it.
func (s *strided) runs(first, n int, f func(done, at, stride, count int)) {
	last := len(s.shape) - 1
	idx := make([]int, len(s.shape))
	at := s.offset
	for i := last; i >= 0 && first > 0; i-- {
		idx[i] = first % s.shape[i]
		first /= s.shape[i]
		at += idx[i] * s.strides[i]
	}
	for done := 0; done < n; {
		count := min(s.shape[last]-idx[last], n-done)
		f(done, at, s.strides[last], count)
		done += count
		idx[last] += count
		at += count * s.strides[last]
		for i := last; i > 0 && idx[i] == s.shape[i]; i-- {
			at += s.strides[i-1] - idx[i]*s.strides[i]
			idx[i] = 0
			idx[i-1]++
		}
	}
}

// read fills dst with the elements from the first-th on.
func (s *strided) read(dst []byte, first int) {
	s.runs(first, len(dst)/s.size, func(done, at, stride, count int) {
		move(dst, done, 1, s.mem, at, stride, count, s.size)
	})
}

// write sets the elements from the first-th on to src.
func (s *strided) write(src []byte, first int) {
	s.runs(first, len(src)/s.size, func(done, at, stride, count int) {
		move(s.mem, at, stride, src, done, 1, count, s.size)
	})
}

// move copies count elements of size bytes between evenly spaced places.
func move(dst []byte, to, toStride int, src []byte, from, fromStride, count, size int) {
	if toStride == 1 && fromStride == 1 {
		copy(dst[to*size:(to+count)*size], src[from*size:])
		return
	}
	le := binary.LittleEndian
	switch size {
	case 1:
		for ; count > 0; count-- {
			dst[to] = src[from]
			to, from = to+toStride, from+fromStride
		}
	case 2:
		for ; count > 0; count-- {
			le.PutUint16(dst[2*to:], le.Uint16(src[2*from:]))
			to, from = to+toStride, from+fromStride
		}
	case 4:
		for ; count > 0; count-- {
			le.PutUint32(dst[4*to:], le.Uint32(src[4*from:]))
			to, from = to+toStride, from+fromStride
		}
	case 8:
		for ; count > 0; count-- {
			le.PutUint64(dst[8*to:], le.Uint64(src[8*from:]))
			to, from = to+toStride, from+fromStride
		}
	}
}
