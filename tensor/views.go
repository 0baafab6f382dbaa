package tensor

import (
	"fmt"
	"slices"
)

// axis returns the index of an axis, which counts from the last one if negative.
func (t *Tensor) axis(a int) (int, error) { return axisOf(a, len(t.shape), t.shape) }

func axisOf(a, n int, s Shape) (int, error) {
	if a < -n || a >= n {
		return 0, fmt.Errorf("tensor: no axis %d in %v", a, s)
	}
	if a < 0 {
		a += n
	}
	return a, nil
}

// Slice returns the view of every step-th element along an axis, from start to
// before stop. Negative start and stop count from the end, as in NumPy, but
// neither may lie outside.
func (t *Tensor) Slice(axis, start, stop, step int) (*Tensor, error) {
	axis, err := t.axis(axis)
	if err != nil {
		return nil, err
	}
	n := t.shape[axis]
	from, to := start, stop
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	if step <= 0 || from < 0 || from > n || to < 0 || to > n {
		return nil, fmt.Errorf("tensor: slice %d:%d:%d of axis %d of %v", start, stop, step, axis, t.shape)
	}
	v, err := t.Narrow(axis, from, max(from, to))
	if err != nil {
		return nil, err
	}
	v.shape[axis] = (v.shape[axis] + step - 1) / step
	v.strides[axis] *= step
	return v, nil
}

// Index returns the view of element i along an axis, without that axis. A
// negative i counts from the end.
func (t *Tensor) Index(axis, i int) (*Tensor, error) {
	axis, err := t.axis(axis)
	if err != nil {
		return nil, err
	}
	n := t.shape[axis]
	if i < -n || i >= n {
		return nil, fmt.Errorf("tensor: no element %d on axis %d of %v", i, axis, t.shape)
	}
	if i < 0 {
		i += n
	}
	v, err := t.Narrow(axis, i, i+1)
	if err != nil {
		return nil, err
	}
	return v.Squeeze(axis)
}

// Flip returns the view with the elements along an axis in reverse.
func (t *Tensor) Flip(axis int) (*Tensor, error) {
	axis, err := t.axis(axis)
	if err != nil {
		return nil, err
	}
	strides := slices.Clone(t.strides)
	strides[axis] = -strides[axis]
	offset := t.offset + max(t.shape[axis]-1, 0)*t.strides[axis]
	return t.view(t.shape.Clone(), strides, offset), nil
}

// Transpose returns the view with two axes exchanged.
func (t *Tensor) Transpose(a, b int) (*Tensor, error) {
	a, err := t.axis(a)
	if err != nil {
		return nil, err
	}
	if b, err = t.axis(b); err != nil {
		return nil, err
	}
	shape, strides := t.shape.Clone(), slices.Clone(t.strides)
	shape[a], shape[b] = shape[b], shape[a]
	strides[a], strides[b] = strides[b], strides[a]
	return t.view(shape, strides, t.offset), nil
}

// Squeeze returns the view without the given axes, whose sizes must be 1. If
// none is given, all axes of size 1 are removed.
func (t *Tensor) Squeeze(axes ...int) (*Tensor, error) {
	drop := make([]bool, len(t.shape))
	for _, a := range axes {
		i, err := t.axis(a)
		if err != nil {
			return nil, err
		}
		if t.shape[i] != 1 {
			return nil, fmt.Errorf("tensor: axis %d of %v is not of size 1", a, t.shape)
		}
		drop[i] = true
	}
	var shape Shape
	var strides []int
	for i, d := range t.shape {
		if drop[i] || len(axes) == 0 && d == 1 {
			continue
		}
		shape, strides = append(shape, d), append(strides, t.strides[i])
	}
	return t.view(shape, strides, t.offset), nil
}

// Unsqueeze returns the view with a new axis of size 1, at position axis of the
// result; -1 is the last.
func (t *Tensor) Unsqueeze(axis int) (*Tensor, error) {
	axis, err := axisOf(axis, len(t.shape)+1, t.shape)
	if err != nil {
		return nil, err
	}
	return t.view(slices.Insert(t.shape.Clone(), axis, 1), slices.Insert(slices.Clone(t.strides), axis, 1), t.offset), nil
}
