// Package scratch cuts the working memory of kernels into vectors.
package scratch

import "unsafe"

const align = 64 // a cache line, and the widest vector

// Size returns the bytes that vectors of the given lengths take.
func Size(floats ...int) int {
	size := align
	for _, n := range floats {
		size += (4*n + align - 1) &^ (align - 1)
	}
	return size
}

// Floats cuts n aligned values off the front of b. The first cut loses up to
// one alignment, which Size allows for. The values are not cleared.
func Floats(b []byte, n int) (v []float32, rest []byte) {
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (align - 1))
	end := skip + 4*n
	if end > len(b) {
		panic("scratch: too few bytes; a worker needs ScratchSize of the plan")
	}
	if n == 0 {
		return nil, b
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[skip])), n), b[end:]
}
