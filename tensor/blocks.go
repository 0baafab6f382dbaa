package tensor

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// widen returns the values of blocks in float32.
func (t *Tensor) widen() (*Tensor, error) {
	if !t.IsContiguous() {
		return nil, fmt.Errorf("tensor: %s%v with strides %v is not contiguous and its blocks cannot be split",
			t.dtype, t.shape, t.strides)
	}
	wide, err := Zeros(F32, t.shape...)
	if err != nil || t.NumElements() == 0 {
		return wide, err
	}
	elems, _ := t.dtype.Block()
	if t.offset%elems != 0 || t.NumElements()%elems != 0 {
		return nil, fmt.Errorf("tensor: %s%v begins or ends inside a block", t.dtype, t.shape)
	}
	data, values := unsafe.Pointer(unsafe.SliceData(t.Bytes())), wide.Float32s()
	format, _ := convert.Named(t.dtype.String())
	return wide, forChunks(len(values), func(lo, hi int) {
		convert.Scales{}.Row(values[lo:hi], data, format, 0, 0, lo)
	})
}

// round returns float32 as the blocks of a type, rounded as ggml does.
func (t *Tensor) round(dt DType) (*Tensor, error) {
	format, ok := convert.Named(dt.String())
	if !ok || !format.Rounds() {
		return nil, fmt.Errorf("tensor: no conversion to %s", dt)
	}
	t, err := t.Contiguous()
	if err != nil {
		return nil, err
	}
	c, err := Zeros(dt, t.shape...)
	if err != nil {
		return nil, err
	}
	values, elems, bytes := t.Float32s(), dt.layout().elems, dt.layout().bytes
	return c, forChunks(len(values), func(lo, hi int) {
		convert.BlocksFromF32(c.data[lo/elems*bytes:hi/elems*bytes], values[lo:hi], format)
	})
}
