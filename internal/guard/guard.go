// Package guard gives tests memory whose neighbours fault when touched, which
// finds kernels that read or write past the end of their operands.
package guard

import (
	"testing"
	"unsafe"
)

// Side is the end of a buffer that lies against an inaccessible page.
type Side int

const (
	Front Side = iota
	Back
)

// Sides lists both.
var Sides = []Side{Front, Back}

func (s Side) String() string { return [...]string{"front", "back"}[s] }

// Bytes returns n zero bytes with an inaccessible page right before or right
// after them. They live until the test ends.
func Bytes(t testing.TB, n int, s Side) []byte {
	t.Helper()
	m := pages(t, n)
	if s == Front {
		return m[:n:n]
	}
	return m[len(m)-n:]
}

// Floats returns n zeros with an inaccessible page right before or right after
// them. They live until the test ends.
func Floats(t testing.TB, n int, s Side) []float32 {
	t.Helper()
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(Bytes(t, 4*n, s)))), n)
}
