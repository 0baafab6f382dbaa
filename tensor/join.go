package tensor

import (
	"errors"
	"fmt"
)

// Concat returns the tensors one after the other along an axis. They have one
// dtype, and the same sizes along the other axes.
func Concat(axis int, tensors ...*Tensor) (*Tensor, error) {
	if len(tensors) == 0 {
		return nil, errors.New("tensor: Concat of nothing")
	}
	first := tensors[0]
	axis, err := first.axis(axis)
	if err != nil {
		return nil, err
	}
	shape := first.shape.Clone()
	shape[axis] = 0
	for i, t := range tensors {
		if t.dtype != first.dtype {
			return nil, fmt.Errorf("tensor: Concat: number %d is %s, the first %s", i, t.dtype, first.dtype)
		}
		ok := len(t.shape) == len(shape)
		for a := range shape {
			ok = ok && (a == axis || t.shape[a] == shape[a])
		}
		if !ok {
			return nil, fmt.Errorf("tensor: Concat along axis %d: number %d has shape %v, the first %v", axis, i, t.shape, first.shape)
		}
		shape[axis] += t.shape[axis]
	}
	if first.dtype.class() == opaque {
		return nil, undefined("Concat", first)
	}
	out, err := Zeros(first.dtype, shape...)
	if err != nil {
		return nil, err
	}
	at := 0
	for _, t := range tensors {
		part, err := out.Narrow(axis, at, at+t.shape[axis])
		if err != nil {
			return nil, err
		}
		if err := Copy(part, t); err != nil {
			return nil, err
		}
		at += t.shape[axis]
	}
	return out, nil
}

// Stack returns the tensors, which have one dtype and shape, along a new axis.
func Stack(axis int, tensors ...*Tensor) (*Tensor, error) {
	rows := make([]*Tensor, len(tensors))
	for i, t := range tensors {
		var err error
		if rows[i], err = t.Unsqueeze(axis); err != nil {
			return nil, err
		}
	}
	return Concat(axis, rows...)
}
