package tensor

import (
	"fmt"
	"math/bits"
	"slices"
)

// FromStrided returns a view of data, which it shares, whose element (i, j, ...)
// is number offset + i*strides[0] + j*strides[1] + ... in it. Strides may be
// negative or 0. All elements must lie within data, whose bytes are little endian.
func FromStrided(dt DType, shape Shape, strides []int, offset int, data []byte) (*Tensor, error) {
	if err := CheckStrided(dt, shape, strides, offset, len(data)); err != nil {
		return nil, err
	}
	return &Tensor{dtype: dt, shape: shape.Clone(), strides: slices.Clone(strides), offset: offset, data: data}, nil
}

// CheckStrided returns the error that [FromStrided] gives for data of size bytes.
func CheckStrided(dt DType, shape Shape, strides []int, offset, size int) error {
	if err := shape.Check(); err != nil {
		return err
	}
	each := dt.Size()
	if each == 0 || len(strides) != len(shape) {
		return fmt.Errorf("tensor: %s%v cannot have strides %v", dt, shape, strides)
	}
	if shape.NumElements() == 0 {
		return nil
	}
	first, last := offset, offset
	inside := true
	for i, d := range shape {
		hi, reach := bits.Mul(uint(d-1), uint(max(strides[i], -strides[i])))
		if inside = inside && hi == 0 && reach <= uint(size); !inside {
			break
		}
		if strides[i] < 0 {
			first -= int(reach)
		} else {
			last += int(reach)
		}
	}
	if !inside || first < 0 || last < 0 || last >= size/each {
		return fmt.Errorf("tensor: %s%v with strides %v from %d on reaches outside its %d bytes", dt, shape, strides, offset, size)
	}
	return nil
}
