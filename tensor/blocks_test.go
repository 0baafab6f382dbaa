package tensor_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// TestBlocksAreThoseOfGGML: every bit of the values is that of the Python package
// gguf, and so are the blocks made of numbers.
func TestBlocksAreThoseOfGGML(t *testing.T) {
	f, err := safetensors.Open(golden.Path("files", "ggml.safetensors"))
	require.NoError(t, err)
	defer f.Close()
	get := func(name string) *tensor.Tensor {
		x, err := f.Tensor(name)
		require.NoError(t, err)
		return x
	}
	seen := 0
	for dt := tensor.Q40; dt <= tensor.IQ4XS; dt++ {
		want := get(dt.String() + ".out")
		blocks, err := tensor.FromBytes(dt, want.Shape(), get(dt.String()).Bytes())
		require.NoError(t, err)
		got, err := blocks.Convert(tensor.F32)
		require.NoError(t, err)
		require.Equal(t, want.Bytes(), got.Bytes(), dt)
		seen++
	}
	require.Equal(t, 12, seen)
	for _, name := range f.Names() {
		name, made := strings.CutSuffix(name, ".made")
		if !made {
			continue
		}
		dt, err := tensor.ParseDType(name)
		require.NoError(t, err)
		got, err := get("wide").Convert(dt)
		require.NoError(t, err)
		require.Equal(t, get(name+".made").Bytes(), got.Bytes(), name)
	}
}

func TestBlocksThatCannotBeConverted(t *testing.T) {
	x := tensor.New(tensor.Q40, 4, 64)
	_, err := x.Convert(tensor.F4)
	require.ErrorContains(t, err, "no conversion from Q4_0 to F4")
	_, err = x.Convert(tensor.Q6K)
	require.ErrorContains(t, err, "no conversion to Q6_K")
	y, err := x.Transpose(0, 1)
	require.NoError(t, err)
	_, err = y.Convert(tensor.F32)
	require.ErrorContains(t, err, "not contiguous")
	part, err := x.Narrow(1, 0, 16)
	require.NoError(t, err)
	part, err = part.Narrow(0, 0, 1)
	require.NoError(t, err)
	_, err = part.Convert(tensor.F32)
	require.ErrorContains(t, err, "inside a block")
	_, err = tensor.FromBytes(tensor.Q4K, tensor.Shape{255}, nil)
	require.ErrorContains(t, err, "whole number of Q4_K blocks of 256")
}
