package tensor_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// TestFloat8AsTorch: every code of both formats has torch's value, and goes back to its code.
func TestFloat8AsTorch(t *testing.T) {
	f, err := safetensors.Open("testdata/float8.safetensors")
	require.NoError(t, err)
	defer f.Close()
	for name, dt := range map[string]tensor.DType{"e4m3": tensor.F8E4M3, "e5m2": tensor.F8E5M2} {
		codes, err := f.Tensor(name)
		require.NoError(t, err)
		require.Equal(t, dt, codes.DType())
		require.Equal(t, tensor.Shape{256}, codes.Shape())
		want, err := f.Tensor(name + ".out")
		require.NoError(t, err)
		got, err := codes.Convert(tensor.F32)
		require.NoError(t, err)
		back, err := got.Convert(dt)
		require.NoError(t, err)
		for i, v := range want.Float32s() {
			if math.IsNaN(float64(v)) {
				require.True(t, math.IsNaN(float64(got.Float32s()[i])), "%s %#x", name, i)
				continue
			}
			require.Equal(t, math.Float32bits(v), math.Float32bits(got.Float32s()[i]), "%s %#x", name, i)
			require.Equal(t, byte(i), back.Bytes()[i], "%s %#x", name, i)
		}
	}
}
