package run

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// TestReadEveryFloat: weights of every floating-point type reach a device as the numbers they are.
func TestReadEveryFloat(t *testing.T) {
	want := []float32{1, -0.4375, 28, 0.5, 0, -224}
	x, err := tensor.FromSlice(want, 2, 3)
	require.NoError(t, err)
	for _, dt := range []tensor.DType{tensor.F64, tensor.F32, tensor.F16, tensor.BF16, tensor.F8E4M3} {
		stored, err := x.Convert(dt)
		require.NoError(t, err)
		var got []float32
		require.NoError(t, read(pass.Param{Weight: nn.Param("w", stored)}, func(row []byte) error {
			got = append(got, unsafe.Slice((*float32)(unsafe.Pointer(&row[0])), len(row)/4)...)
			return nil
		}))
		require.Equal(t, want, got, "%s", dt)
	}
}
