package tensor_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/tensor"
)

func slice[T tensor.Element](t testing.TB, values []T, shape ...int) *tensor.Tensor {
	if shape == nil {
		shape = []int{len(values)}
	}
	v, err := tensor.FromSlice(values, shape...)
	require.NoError(t, err)
	return v
}

func arange(t testing.TB, dt tensor.DType, shape ...int) *tensor.Tensor {
	v, err := tensor.Arange(dt, 0, float64(tensor.Shape(shape).NumElements()), 1)
	require.NoError(t, err)
	v, err = v.Reshape(shape...)
	require.NoError(t, err)
	return v
}

func values(t *tensor.Tensor) []float64 {
	var v []float64
	for x := range tensor.Values[float64](t) {
		v = append(v, x)
	}
	return v
}

// TestMatMulLeavesOnlyItsResult: the memory that a product works in is used again.
func TestMatMulLeavesOnlyItsResult(t *testing.T) {
	if !bounded.Counts {
		t.Skip("allocations are not to be compared with a limit here")
	}
	const n, runs = 256, 50
	a := tensor.New(tensor.F32, n, n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		_, err := tensor.MatMul(a, a)
		require.NoError(t, err)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(runs*(4*n*n+48<<10)))
}

func TestDTypes(t *testing.T) {
	n := 0
	for dt := tensor.DType(1); dt.Valid(); dt++ {
		n++
		got, err := tensor.ParseDType(dt.String())
		require.NoError(t, err)
		require.Equal(t, dt, got)
		elems, bytes := dt.Block()
		size, err := dt.ByteLen(3 * elems)
		require.NoError(t, err)
		require.Equal(t, 3*bytes, size)
		_, err = dt.ByteLen(-elems)
		require.Error(t, err)
		_, err = dt.ByteLen(math.MaxInt - math.MaxInt%elems)
		require.Equal(t, bytes > elems, err != nil, "%v", dt)
	}
	require.Equal(t, 36, n)
	_, err := tensor.ParseDType("INVALID")
	require.Error(t, err)
	_, err = tensor.F4.ByteLen(3)
	require.ErrorContains(t, err, "no whole number")
}

func TestShapeCheck(t *testing.T) {
	require.NoError(t, tensor.Shape{}.Check())
	require.NoError(t, tensor.Shape{0, math.MaxInt, math.MaxInt}.Check())
	require.Error(t, tensor.Shape{2, -1}.Check())
	require.Error(t, tensor.Shape{math.MaxInt, 2}.Check())
}

func TestViewsShareMemory(t *testing.T) {
	v := arange(t, tensor.F32, 2, 3, 4)
	p, err := v.Transpose(0, -1)
	require.NoError(t, err)
	s, err := p.Slice(0, 1, 4, 2)
	require.NoError(t, err)
	s, err = s.Unsqueeze(1)
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{2, 1, 3, 2}, s.Shape())
	require.NoError(t, tensor.Copy(s, slice(t, []float32{-1})))
	for i, x := range v.All() {
		if i[2]%2 == 1 {
			require.Equal(t, -1.0, x)
		} else {
			require.Equal(t, float64(12*i[0]+4*i[1]+i[2]), x)
		}
	}
	q, err := s.Squeeze()
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{2, 3, 2}, q.Shape())
}

func TestEmptyTensors(t *testing.T) {
	v := arange(t, tensor.F32, 4, 3)
	every, err := v.Slice(0, 0, 4, 2)
	require.NoError(t, err)
	empty, err := every.Narrow(0, 2, 2)
	require.NoError(t, err)
	require.Empty(t, empty.Bytes())
	require.Empty(t, values(empty))

	sum, err := tensor.Sum(empty, false, 0)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 0, 0}, values(sum))
	mean, err := tensor.Mean(empty, false)
	require.NoError(t, err)
	require.True(t, math.IsNaN(values(mean)[0]))
	_, err = tensor.Max(empty, false, 0)
	require.ErrorContains(t, err, "Max over axis 0 of [0 3], which is empty")
	rows, err := tensor.Max(empty, false, 1)
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{0}, rows.Shape())

	for name, f := range map[string]func() (*tensor.Tensor, error){
		"Add":     func() (*tensor.Tensor, error) { return tensor.Add(empty, slice(t, []float32{1})) },
		"Exp":     func() (*tensor.Tensor, error) { return tensor.Exp(empty) },
		"Softmax": func() (*tensor.Tensor, error) { return tensor.Softmax(empty, 0) },
		"Clone":   empty.Clone,
		"Convert": func() (*tensor.Tensor, error) { return empty.Convert(tensor.I8) },
		"Concat":  func() (*tensor.Tensor, error) { return tensor.Concat(0, empty, empty) },
		"Flip":    func() (*tensor.Tensor, error) { return empty.Flip(0) },
	} {
		out, err := f()
		require.NoError(t, err, name)
		require.Equal(t, tensor.Shape{0, 3}, out.Shape(), name)
	}
	// A product over no elements is zero.
	a, b := tensor.New(tensor.F32, 2, 0), tensor.New(tensor.F32, 0, 3)
	out, err := tensor.MatMul(a, b)
	require.NoError(t, err)
	require.Equal(t, make([]float64, 6), values(out))
	out, err = tensor.MatMul(b, arange(t, tensor.F32, 3, 4))
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{0, 4}, out.Shape())
}

func TestFromStrided(t *testing.T) {
	data := arange(t, tensor.U8, 12).Bytes()
	v, err := tensor.FromStrided(tensor.U8, tensor.Shape{2, 3}, []int{-6, 2}, 6, data)
	require.NoError(t, err)
	require.Equal(t, []float64{6, 8, 10, 0, 2, 4}, values(v))
	for name, c := range map[string]struct {
		shape   tensor.Shape
		strides []int
		offset  int
	}{
		"past the end":     {tensor.Shape{2, 3}, []int{6, 3}, 0},
		"before the start": {tensor.Shape{2, 3}, []int{-6, 2}, 5},
		"negative offset":  {tensor.Shape{1}, []int{1}, -1},
		"overflow":         {tensor.Shape{math.MaxInt}, []int{math.MaxInt}, 0},
		"overflow down":    {tensor.Shape{3}, []int{math.MinInt}, 0},
		"too few strides":  {tensor.Shape{2, 3}, []int{1}, 0},
		"huge offset":      {tensor.Shape{2}, []int{1}, math.MaxInt},
	} {
		_, err := tensor.FromStrided(tensor.U8, c.shape, c.strides, c.offset, data)
		require.Error(t, err, name)
	}
}

// Memory need not be aligned to the elements.
func TestUnalignedMemory(t *testing.T) {
	v := arange(t, tensor.F32, 6, 7)
	raw := make([]byte, len(v.Bytes())+1)
	copy(raw[1:], v.Bytes())
	u, err := tensor.FromBytes(tensor.F32, tensor.Shape{6, 7}, raw[1:])
	require.NoError(t, err)
	require.True(t, tensor.Equal(u, v))
	w, err := u.Transpose(0, 1)
	require.NoError(t, err)
	got, err := tensor.MatMul(u, w)
	require.NoError(t, err)
	vt, err := v.Transpose(0, 1)
	require.NoError(t, err)
	want, err := tensor.MatMul(v, vt)
	require.NoError(t, err)
	require.True(t, tensor.Equal(got, want))
	require.NoError(t, tensor.Copy(u, v))
	require.True(t, tensor.Equal(u, v))
}

func TestFloatsToIntegersStayInRange(t *testing.T) {
	x := slice(t, []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30, -1e30, -0.9, 0.9, 127.9, 128, -128.9, -129, 255.5, 256, 0x1p63, -0x1p63})
	for dt, want := range map[tensor.DType][]any{
		tensor.I8:   {0, 127, -128, 127, -128, 0, 0, 127, 127, -128, -128, 127, 127, 127, -128},
		tensor.U8:   {0, 255, 0, 255, 0, 0, 0, 127, 128, 0, 0, 255, 255, 255, 0},
		tensor.I64:  {0, uint64(math.MaxInt64), uint64(1 << 63), uint64(math.MaxInt64), uint64(1 << 63), 0, 0, 127, 128, -128, -129, 255, 256, uint64(math.MaxInt64), uint64(1 << 63)},
		tensor.U64:  {0, uint64(math.MaxUint64), 0, uint64(math.MaxUint64), 0, 0, 0, 127, 128, 0, 0, 255, 256, uint64(1 << 63), 0},
		tensor.Bool: {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	} {
		got, err := x.Convert(dt)
		require.NoError(t, err)
		i := 0
		for v := range tensor.Values[uint64](got) {
			switch w := want[i].(type) {
			case uint64:
				require.Equal(t, w, v, "%v of %v", dt, values(x)[i])
			case int:
				require.Equal(t, uint64(w), v, "%v of %v", dt, values(x)[i])
			}
			i++
		}
		require.Equal(t, len(want), i)
	}
}

// Sizes about the length of a work unit, in parallel.
func TestManyElements(t *testing.T) {
	for _, n := range []int{4095, 4096, 4097, 50_000} {
		a, err := tensor.Linspace(tensor.F32, 0, 1, n)
		require.NoError(t, err)
		b, err := a.Flip(0)
		require.NoError(t, err)
		sum, err := tensor.Add(a, b)
		require.NoError(t, err)
		ones, err := tensor.Full(tensor.F32, 1, n)
		require.NoError(t, err)
		require.NoError(t, tensor.AllClose(sum, ones, 0, 1e-7))
		total, err := tensor.Sum(sum, false)
		require.NoError(t, err)
		require.InDelta(t, float64(n), values(total)[0], 1e-3)
		half, err := b.Convert(tensor.BF16)
		require.NoError(t, err)
		require.NoError(t, tensor.AllClose(half, b, 0.004, 0))
		arg, err := tensor.ArgMax(b, false, 0)
		require.NoError(t, err)
		require.Equal(t, []float64{0}, values(arg))
		arg, err = tensor.ArgMax(a, false, 0)
		require.NoError(t, err)
		require.Equal(t, []float64{float64(n - 1)}, values(arg))
	}
	m := arange(t, tensor.I32, 300, 200)
	tr, err := m.Transpose(0, 1)
	require.NoError(t, err)
	c, err := tr.Contiguous()
	require.NoError(t, err)
	for i, v := range c.All() {
		require.Equal(t, float64(200*i[1]+i[0]), v)
	}
}

func TestIteration(t *testing.T) {
	v := arange(t, tensor.F16, 2, 3)
	p, err := v.Permute(1, 0)
	require.NoError(t, err)
	var seen []string
	for i, x := range p.All() {
		seen = append(seen, fmt.Sprint(i, x))
	}
	require.Equal(t, []string{"[0 0] 0", "[0 1] 3", "[1 0] 1", "[1 1] 4", "[2 0] 2", "[2 1] 5"}, seen)
	for i, x := range p.All() {
		if x == 3 {
			require.Equal(t, []int{0, 1}, i)
			break
		}
	}
	var ints []int
	for x := range tensor.Values[int](p) {
		ints = append(ints, x)
	}
	require.Equal(t, []int{0, 3, 1, 4, 2, 5}, ints)
	x, err := p.At(-1, 1)
	require.NoError(t, err)
	require.Equal(t, 5.0, x)
	large := slice(t, []int64{math.MaxInt64})
	for x := range tensor.Values[int64](large) {
		require.Equal(t, int64(math.MaxInt64), x)
	}
}

func TestEqualAndAllClose(t *testing.T) {
	a := slice(t, []float32{1, 2, 3, 4}, 2, 2)
	b := slice(t, []float32{1, 2, 3.001, 4}, 2, 2)
	require.True(t, tensor.Equal(a, a))
	require.False(t, tensor.Equal(a, b))
	flat, err := a.Reshape(-1)
	require.NoError(t, err)
	require.False(t, tensor.Equal(a, flat))
	require.NoError(t, tensor.AllClose(a, b, 1e-3, 0))
	require.ErrorContains(t, tensor.AllClose(a, b, 1e-4, 0), "1 of 4 elements differ, the most at [1 0]: 3 against 3.0009")
	require.ErrorContains(t, tensor.AllClose(a, flat, 1, 1), "shapes [2 2] and [4] differ")
	nan := slice(t, []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1})
	require.NoError(t, tensor.AllClose(nan, nan, 0, 0))
	require.False(t, tensor.Equal(nan, nan))
	for i, other := range [][]float64{
		{0, math.Inf(1), math.Inf(-1), 1}, {math.NaN(), 1e308, math.Inf(-1), 1},
		{math.NaN(), math.Inf(1), math.Inf(1), 1}, {math.NaN(), math.Inf(1), math.Inf(-1), math.Inf(1)},
	} {
		require.ErrorContains(t, tensor.AllClose(nan, slice(t, other), 1, 1), fmt.Sprintf("1 of 4 elements differ, the most at [%d]", i))
	}
}

func TestFormatVerbs(t *testing.T) {
	v := slice(t, []float32{0.5, -1.23456}, 2, 1)
	require.Equal(t, "[[ 0.5   ]\n [-1.2346]]", fmt.Sprintf("%v", v))
	require.Equal(t, "[[ 0.5]\n [-1.2]]", fmt.Sprintf("%.1v", v))
	require.Equal(t, "F32[2 1] [[ 0.5   ]\n          [-1.2346]]", fmt.Sprintf("%+v", v))
	require.Equal(t, v.String(), fmt.Sprintf("%s", v))
	require.Equal(t, "%!d(tensor F32[2 1])", fmt.Sprintf("%d", v))
	require.Equal(t, "[ true false]", fmt.Sprint(slice(t, []bool{true, false})))
	require.Equal(t, "F4[2]", fmt.Sprint(tensor.New(tensor.F4, 2)))
	var none *tensor.Tensor
	require.Equal(t, "<nil>", fmt.Sprint(none))
}

func TestConcurrentOperations(t *testing.T) {
	a := arange(t, tensor.F32, 200, 200)
	want, err := tensor.MatMul(a, a)
	require.NoError(t, err)
	done := make(chan error)
	for range 4 {
		go func() {
			got, err := tensor.MatMul(a, a)
			if err == nil {
				err = tensor.AllClose(got, want, 0, 0)
			}
			done <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-done)
	}
}
