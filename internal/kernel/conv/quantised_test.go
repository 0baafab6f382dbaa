package conv_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// TestQuantisedWeights holds convolutions with quantised weights to those with
// the same values in float32, bit by bit.
func TestQuantisedWeights(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, shape := range []conv.Shape{
			{B: 1, H: 5, W: 9, CI: 32, CO: 37, KH: 3, KW: 3, Stride: 1, PadT: 1, PadL: 1, PadB: 1, PadR: 1},
			{B: 2, H: 4, W: 3, CI: 96, CO: 20, KH: 1, KW: 1, Stride: 1},
			{B: 1, H: 6, W: 6, CI: 160, CO: 33, KH: 3, KW: 3, Stride: 2, PadT: 1, PadL: 1, PadB: 1, PadR: 1},
			{B: 1, H: 3, W: 3, CI: 7, CO: 5, KH: 3, KW: 3, Stride: 1, PadT: 1, PadL: 1, PadB: 1, PadR: 1},
		} {
			for _, w := range s.Quantised(shape.CO, shape.CI*shape.KH*shape.KW) {
				p := newProblem(s, shape, all)
				p.o.W, p.o.Format = unsafe.Pointer(&w.Values[0]), convert.F32
				p.run(s)
				want := append([]float32{}, p.o.Y...)
				p.o.W, p.o.Format, p.o.Scales = w.Data, w.Format, w.Scales
				p.run(s)
				require.Equal(t, want, p.o.Y, "%s %v", w.Name, shape)
			}
		}
	})
}
