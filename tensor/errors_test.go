package tensor_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

func TestBadArgumentsAreErrors(t *testing.T) {
	f := arange(t, tensor.F32, 2, 3)
	i := arange(t, tensor.I32, 2, 3)
	u := arange(t, tensor.U8, 2, 3)
	c := tensor.New(tensor.C64, 2, 3)
	mask := tensor.New(tensor.Bool, 2, 3)
	column := arange(t, tensor.F32, 1, 1)
	tall, err := column.Expand(1<<27, 1)
	require.NoError(t, err)
	wide, err := column.Expand(1, 1<<20)
	require.NoError(t, err)

	for want, run := range map[string]func() (*tensor.Tensor, error){
		"Add of F32 and I32: convert one":          func() (*tensor.Tensor, error) { return tensor.Add(f, i) },
		"Add: tensor: shapes [[2 3] [2]] cannot":   func() (*tensor.Tensor, error) { return tensor.Add(f, tensor.New(tensor.F32, 2)) },
		"would take":                               func() (*tensor.Tensor, error) { return tensor.Add(tall, wide) },
		"Add is not defined for C64":               func() (*tensor.Tensor, error) { return tensor.Add(c, c) },
		"Mul is not defined for BOOL":              func() (*tensor.Tensor, error) { return tensor.Mul(mask, mask) },
		"Pow is not defined for I32":               func() (*tensor.Tensor, error) { return tensor.Pow(i, i) },
		"Div: fault in a kernel":                   func() (*tensor.Tensor, error) { return tensor.Div(i, i) },
		"Exp is not defined for I32":               func() (*tensor.Tensor, error) { return tensor.Exp(i) },
		"Neg is not defined for U8":                func() (*tensor.Tensor, error) { return tensor.Neg(u) },
		"Clamp from 2 to 1":                        func() (*tensor.Tensor, error) { return tensor.Clamp(f, 2, 1) },
		"Clamp from NaN":                           func() (*tensor.Tensor, error) { return tensor.Clamp(f, math.NaN(), 1) },
		"Less of F32 and I32":                      func() (*tensor.Tensor, error) { return tensor.Less(f, i) },
		"Less is not defined for C64":              func() (*tensor.Tensor, error) { return tensor.Less(c, c) },
		"Where on F32 of":                          func() (*tensor.Tensor, error) { return tensor.Where(f, f, f) },
		"Where on BOOL of F32 and I32":             func() (*tensor.Tensor, error) { return tensor.Where(mask, f, i) },
		"no axis 2 in [2 3]":                       func() (*tensor.Tensor, error) { return tensor.Sum(f, false, 2) },
		"no axis -3 in [2 3]":                      func() (*tensor.Tensor, error) { return tensor.Max(f, false, -3) },
		"axis 1 twice":                             func() (*tensor.Tensor, error) { return tensor.Sum(f, false, 1, -1) },
		"Sum is not defined for BOOL":              func() (*tensor.Tensor, error) { return tensor.Sum(mask, false) },
		"Sum is not defined for C64":               func() (*tensor.Tensor, error) { return tensor.Sum(c, false) },
		"Mean is not defined for I32":              func() (*tensor.Tensor, error) { return tensor.Mean(i, false) },
		"Var is not defined for U8":                func() (*tensor.Tensor, error) { return tensor.Var(u, 0, false) },
		"ArgMax is not defined for C64":            func() (*tensor.Tensor, error) { return tensor.ArgMax(c, false, 0) },
		"Softmax is not defined for I32":           func() (*tensor.Tensor, error) { return tensor.Softmax(i, 0) },
		"no axis 5 in [2 3]":                       func() (*tensor.Tensor, error) { return tensor.Softmax(f, 5) },
		"MatMul of shapes [2 3] and [2 3]":         func() (*tensor.Tensor, error) { return tensor.MatMul(f, f) },
		"MatMul of shapes [2 3] and []":            func() (*tensor.Tensor, error) { return tensor.MatMul(f, tensor.New(tensor.F32)) },
		"MatMul of F32 and I32":                    func() (*tensor.Tensor, error) { return tensor.MatMul(f, i) },
		"MatMul is not defined for BOOL":           func() (*tensor.Tensor, error) { return tensor.MatMul(mask, tensor.New(tensor.Bool, 3)) },
		"slice 0:3:0 of axis 1":                    func() (*tensor.Tensor, error) { return f.Slice(1, 0, 3, 0) },
		"slice 0:4:1 of axis 1":                    func() (*tensor.Tensor, error) { return f.Slice(1, 0, 4, 1) },
		"slice -4:3:1 of axis 1":                   func() (*tensor.Tensor, error) { return f.Slice(1, -4, 3, 1) },
		"no element 2 on axis 0":                   func() (*tensor.Tensor, error) { return f.Index(0, 2) },
		"axis 0 of [2 3] is not of size 1":         func() (*tensor.Tensor, error) { return f.Squeeze(0) },
		"no axis 3 in [2 3]":                       func() (*tensor.Tensor, error) { return f.Unsqueeze(3) },
		"no axis -4 in [2 3]":                      func() (*tensor.Tensor, error) { return f.Unsqueeze(-4) },
		"no axis 7 in [2 3]":                       func() (*tensor.Tensor, error) { return f.Transpose(0, 7) },
		"[2 3] cannot be expanded to [3]":          func() (*tensor.Tensor, error) { return f.Expand(3) },
		"[2 3] cannot be expanded to [2 4]":        func() (*tensor.Tensor, error) { return f.Expand(2, 4) },
		"the negative size -1":                     func() (*tensor.Tensor, error) { return f.Expand(-1, 3) },
		"[0 0] is no permutation":                  func() (*tensor.Tensor, error) { return f.Permute(0, 0) },
		"cannot reshape [2 3] (6 elements) to [4]": func() (*tensor.Tensor, error) { return f.Reshape(4) },
		"Concat of nothing":                        func() (*tensor.Tensor, error) { return tensor.Concat(0) },
		"number 1 is I32, the first F32":           func() (*tensor.Tensor, error) { return tensor.Concat(0, f, i) },
		"number 1 has shape [2], the first [2 3]":  func() (*tensor.Tensor, error) { return tensor.Concat(0, f, tensor.New(tensor.F32, 2)) },
		"number 1 has shape [1 2 1]":               func() (*tensor.Tensor, error) { return tensor.Stack(0, f, tensor.New(tensor.F32, 2, 1)) },
		"Concat is not defined for C64":            func() (*tensor.Tensor, error) { return tensor.Concat(0, c, c) },
		"no conversion from F32 to C64":            func() (*tensor.Tensor, error) { return f.Convert(tensor.C64) },
		"no conversion from F32 to DType(99)":      func() (*tensor.Tensor, error) { return f.Convert(99) },
		"invalid dtype":                            func() (*tensor.Tensor, error) { return tensor.Zeros(0, 1) },
		"shape [-1] has the negative size":         func() (*tensor.Tensor, error) { return tensor.Zeros(tensor.F32, -1) },
		"F64[33554432 33554432] would take":        func() (*tensor.Tensor, error) { return tensor.Zeros(tensor.F64, 1<<25, 1<<25) },
		"Arange from 0 to 1 by 0":                  func() (*tensor.Tensor, error) { return tensor.Arange(tensor.F32, 0, 1, 0) },
		"Arange from 0 to NaN":                     func() (*tensor.Tensor, error) { return tensor.Arange(tensor.F32, 0, math.NaN(), 1) },
		"Linspace of -1":                           func() (*tensor.Tensor, error) { return tensor.Linspace(tensor.F32, 0, 1, -1) },
		"takes 4 bytes, not 3":                     func() (*tensor.Tensor, error) { return tensor.FromBytes(tensor.F32, nil, make([]byte, 3)) },
	} {
		got, err := run()
		require.ErrorContains(t, err, want)
		require.Nil(t, got, want)
	}

	require.ErrorContains(t, tensor.Copy(f, arange(t, tensor.F32, 4)), "cannot be expanded")
	require.ErrorContains(t, tensor.Copy(c, f), "only stored")
	_, err = f.At(1)
	require.ErrorContains(t, err, "needs 2 numbers")
	_, err = f.At(1, 3)
	require.ErrorContains(t, err, "outside [2 3]")
	_, err = c.At(0, 0)
	require.ErrorContains(t, err, "not defined")
	_, err = tensor.Data[int32](f)
	require.ErrorContains(t, err, "elements are F32, not I32")
	require.Error(t, tensor.AllClose(c, c, 0, 0))
}
