package winograd_test

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
		for _, shape := range []conv.Shape{shape(1, 9, 10, 32, 37), shape(2, 6, 5, 7, 5), shape(1, 8, 8, 96, 20)} {
			for _, w := range s.Quantised(shape.CO, shape.CI*shape.KH*shape.KW) {
				p := newProblem(s, shape, variant{bias: true})
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
