package gorgonia

import (
	"testing"

	"github.com/stretchr/testify/require"
	gt "gorgonia.org/tensor"

	"github.com/df65613c/easel/tensor"
)

func arange(t *testing.T, dt tensor.DType, shape ...int) *tensor.Tensor {
	v, err := tensor.Arange(dt, 0, float64(tensor.Shape(shape).NumElements()), 1)
	require.NoError(t, err)
	v, err = v.Reshape(shape...)
	require.NoError(t, err)
	return v
}

// requireSame compares element by element through the indices of both sides.
func requireSame(t *testing.T, v *tensor.Tensor, d *gt.Dense) {
	require.Equal(t, []int(v.Shape()), []int(d.Shape()))
	for i, want := range v.All() {
		got, err := d.At(i...)
		require.NoError(t, err)
		require.EqualValues(t, want, got, "at %v", i)
	}
}

func TestToDenseSharesMemory(t *testing.T) {
	v := arange(t, tensor.F32, 2, 3, 4)
	d, err := ToDense(v)
	require.NoError(t, err)
	requireSame(t, v, d)

	require.NoError(t, d.SetAt(float32(-1), 1, 2, 3))
	require.Equal(t, float32(-1), v.Float32s()[23])
	v.Float32s()[0] = 42
	requireSame(t, v, d)
}

func TestToDenseOfPermutedAxes(t *testing.T) {
	v := arange(t, tensor.F64, 2, 3, 4)
	for _, perm := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		p, err := v.Permute(perm...)
		require.NoError(t, err)
		d, err := ToDense(p)
		require.NoError(t, err)
		requireSame(t, p, d)
		require.NoError(t, d.SetAt(100.5, 1, 1, 1))
		requireSame(t, p, d)
	}
}

func TestToDenseOfEveryDType(t *testing.T) {
	for dt, want := range map[tensor.DType]gt.Dtype{
		tensor.U8: gt.Uint8, tensor.I8: gt.Int8, tensor.U16: gt.Uint16, tensor.I16: gt.Int16, tensor.U32: gt.Uint32,
		tensor.I32: gt.Int32, tensor.U64: gt.Uint64, tensor.I64: gt.Int64, tensor.F32: gt.Float32, tensor.F64: gt.Float64,
	} {
		v := arange(t, dt, 2, 3)
		d, err := ToDense(v)
		require.NoError(t, err)
		require.Equal(t, want, d.Dtype())
		requireSame(t, v, d)
		back, err := FromDense(d)
		require.NoError(t, err)
		require.True(t, tensor.Equal(v, back), "%v", dt)
		require.Same(t, &v.Bytes()[0], &back.Bytes()[0])
	}
	v, err := arange(t, tensor.U8, 3).Convert(tensor.Bool)
	require.NoError(t, err)
	d, err := ToDense(v)
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, true}, d.Data())
	back, err := FromDense(d)
	require.NoError(t, err)
	require.True(t, tensor.Equal(v, back))
}

func TestToDenseRefuses(t *testing.T) {
	v := arange(t, tensor.F32, 4, 4)
	s, err := v.Slice(1, 0, 4, 2)
	require.NoError(t, err)
	_, err = ToDense(s)
	require.ErrorContains(t, err, "make it contiguous")
	e, err := arange(t, tensor.F32, 4, 1).Expand(4, 4)
	require.NoError(t, err)
	_, err = ToDense(e)
	require.ErrorContains(t, err, "make it contiguous")
	f, err := v.Flip(0)
	require.NoError(t, err)
	_, err = ToDense(f)
	require.ErrorContains(t, err, "make it contiguous")
	for _, dt := range []tensor.DType{tensor.F16, tensor.BF16, tensor.F8E4M3, tensor.C64} {
		_, err = ToDense(tensor.New(dt, 2))
		require.ErrorContains(t, err, "no Go type for "+dt.String())
	}
}

func TestOddShapes(t *testing.T) {
	for _, shape := range [][]int{{}, {1}, {5}, {1, 5}, {5, 1}, {1, 1}, {0, 3}} {
		v := arange(t, tensor.F32, shape...)
		d, err := ToDense(v)
		require.NoError(t, err, "%v", shape)
		back, err := FromDense(d)
		require.NoError(t, err, "%v", shape)
		require.True(t, tensor.Equal(v, back), "%v", shape)
	}
}

func TestFromDenseViews(t *testing.T) {
	d := gt.New(gt.WithShape(3, 4, 5), gt.WithBacking(gt.Range(gt.Float32, 0, 60)))
	slice := func(s ...gt.Slice) *gt.Dense {
		v, err := d.Slice(s...)
		require.NoError(t, err)
		return v.(*gt.Dense)
	}
	transposed := d.Clone().(*gt.Dense)
	require.NoError(t, transposed.T(2, 0, 1))
	fortran := gt.New(gt.WithShape(3, 2), gt.AsFortran([]int32{1, 2, 3, 4, 5, 6}))
	for name, v := range map[string]*gt.Dense{
		"whole":      d,
		"rows":       slice(gt.S(1, 3)),
		"inner":      slice(gt.S(0, 3), gt.S(1, 3), gt.S(2, 5)),
		"matrix":     slice(nil, gt.S(2)),
		"column":     slice(nil, gt.S(1), gt.S(4)),
		"transposed": transposed,
		"fortran":    fortran,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := FromDense(v)
			require.NoError(t, err)
			requireSame(t, got, v)
		})
	}

	inner, err := FromDense(slice(gt.S(0, 3), gt.S(1, 3), gt.S(2, 5)))
	require.NoError(t, err)
	seven, err := tensor.Scalar(tensor.F32, 7)
	require.NoError(t, err)
	require.NoError(t, tensor.Copy(inner, seven))
	x, err := d.At(2, 1, 4)
	require.NoError(t, err)
	require.Equal(t, float32(7), x)
	x, err = d.At(2, 0, 4)
	require.NoError(t, err)
	require.Equal(t, float32(44), x)
}

func TestFromDenseRefuses(t *testing.T) {
	_, err := FromDense(gt.New(gt.WithShape(1), gt.WithBacking([]string{"a"})))
	require.ErrorContains(t, err, "no dtype")
	_, err = FromDense(gt.New(gt.WithShape(1), gt.WithBacking([]complex64{1})))
	require.ErrorContains(t, err, "no dtype")
	masked := gt.New(gt.WithShape(2), gt.WithBacking([]float32{1, 2}, []bool{true, false}))
	_, err = FromDense(masked)
	require.ErrorContains(t, err, "masked")
}
