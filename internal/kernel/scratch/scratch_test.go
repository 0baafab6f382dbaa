package scratch_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/kernel/scratch"
)

func TestVectorsAreAlignedAndApart(t *testing.T) {
	lengths := []int{1, 16, 17, 0, 100}
	memory := make([]byte, scratch.Size(lengths...)+64)
	for skip := range 64 { // Size is enough wherever the memory begins
		b := memory[skip : len(memory)-64+skip]
		mark := make([][]float32, len(lengths))
		for i, n := range lengths {
			mark[i], b = scratch.Floats(b, n)
			require.Len(t, mark[i], n)
			if n > 0 {
				require.Zero(t, uintptr(unsafe.Pointer(&mark[i][0]))%64)
			}
			for j := range mark[i] {
				mark[i][j] = float32(i)
			}
		}
		for i, v := range mark {
			for _, x := range v {
				require.EqualValues(t, i, x)
			}
		}
	}
}

func TestTooFewBytesPanic(t *testing.T) {
	require.Panics(t, func() { scratch.Floats(make([]byte, 63), 16) })
}
