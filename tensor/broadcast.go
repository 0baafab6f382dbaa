package tensor

import (
	"fmt"
	"slices"
)

// BroadcastShapes returns the shape to which the given shapes broadcast. As in
// NumPy, axes are aligned from the last, and sizes must be equal or 1.
func BroadcastShapes(shapes ...Shape) (Shape, error) {
	var out Shape
	for _, s := range shapes {
		out = append(slices.Repeat(Shape{1}, max(0, len(s)-len(out))), out...)
		skip := len(out) - len(s)
		for i, d := range s {
			o := &out[skip+i]
			if d != *o && d != 1 && *o != 1 {
				return nil, fmt.Errorf("tensor: shapes %v cannot be broadcast to one", shapes)
			}
			if d != 1 {
				*o = d
			}
		}
	}
	return out, out.Check()
}

// Expand returns a view in which axes of size 1 are repeated, and missing
// leading axes added, to make the given shape. Repeated elements share their
// memory, so the view must not be written.
func (t *Tensor) Expand(shape ...int) (*Tensor, error) {
	s := Shape(shape).Clone()
	skip := len(s) - len(t.shape)
	if err := s.Check(); err != nil {
		return nil, err
	}
	if skip < 0 {
		return nil, fmt.Errorf("tensor: %v cannot be expanded to %v", t.shape, s)
	}
	strides := make([]int, len(s))
	for i, d := range t.shape {
		switch {
		case d == s[skip+i]:
			strides[skip+i] = t.strides[i]
		case d != 1:
			return nil, fmt.Errorf("tensor: %v cannot be expanded to %v", t.shape, s)
		}
	}
	return t.view(s, strides, t.offset), nil
}
