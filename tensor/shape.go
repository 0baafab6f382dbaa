package tensor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Shape is the size of a tensor along each axis, outermost first. The empty
// shape is that of a scalar.
type Shape []int

// NumElements returns the product of the sizes, 1 for a scalar.
func (s Shape) NumElements() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Check returns an error if a size is negative or the product overflows.
func (s Shape) Check() error {
	n := 1
	for _, d := range s {
		if d < 0 {
			return fmt.Errorf("tensor: shape %v has the negative size %d", s, d)
		}
		if d != 0 && n > maxInt/d {
			return fmt.Errorf("tensor: shape %v overflows", s)
		}
		n *= d
	}
	return nil
}

// Equal reports whether both shapes have the same sizes.
func (s Shape) Equal(o Shape) bool { return slices.Equal(s, o) }

// Clone returns a copy.
func (s Shape) Clone() Shape { return slices.Clone(s) }

// String prints the shape as [2 4 64 64].
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(d))
	}
	b.WriteByte(']')
	return b.String()
}

// RowMajor returns the strides, in elements, of a contiguous tensor of this shape.
func (s Shape) RowMajor() []int {
	st := make([]int, len(s))
	n := 1
	for i := len(s) - 1; i >= 0; i-- {
		st[i] = n
		n *= s[i]
	}
	return st
}
