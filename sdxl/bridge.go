package sdxl

import (
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/tensor"
)

func tmpConcat(axis int, a, b *tensor.Tensor) (*tensor.Tensor, error) {
	s := a.Shape().Clone()
	if axis < 0 {
		axis += len(s)
	}
	s[axis] += b.Shape()[axis]
	o := tensor.New(a.DType(), s...)
	ia, ib := a.Shape()[axis:].NumElements()*4, b.Shape()[axis:].NumElements()*4
	n := a.Shape()[:axis].NumElements()
	for i := range n {
		copy(o.Bytes()[i*(ia+ib):], a.Bytes()[i*ia:(i+1)*ia])
		copy(o.Bytes()[i*(ia+ib)+ia:], b.Bytes()[i*ib:(i+1)*ib])
	}
	return o, nil
}

func tmpConvert(t *tensor.Tensor, d tensor.DType) (*tensor.Tensor, error) {
	if t.DType() == d {
		return t, nil
	}
	o := tensor.New(d, t.Shape()...)
	if t.DType() == tensor.F16 {
		convert.ToF32(o.Float32s(), t.Bytes(), convert.F16)
		return o, nil
	}
	v, err := tensor.Data[int64](t)
	if err != nil {
		return nil, err
	}
	if d == tensor.I32 {
		w, _ := tensor.Data[int32](o)
		for i, x := range v {
			w[i] = int32(x)
		}
	} else {
		for i, x := range v {
			o.Float32s()[i] = float32(x)
		}
	}
	return o, nil
}

func tmpExpand(t *tensor.Tensor, s tensor.Shape) (*tensor.Tensor, error) {
	o := tensor.New(t.DType(), s...)
	for i := range o.Float32s() {
		o.Float32s()[i] = t.Float32s()[0]
	}
	return o, nil
}
