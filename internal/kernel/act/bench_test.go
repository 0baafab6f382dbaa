package act_test

import (
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/act"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

const benchLen = 1 << 15 // as the units of a graph: stays in the second cache

// BenchmarkInPlace includes a copy of the operand.
func BenchmarkInPlace(b *testing.B) {
	for _, f := range inPlace {
		b.Run(f.name, func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			in, x := s.Floats(benchLen), s.Floats(benchLen)
			b.SetBytes(2 * 4 * benchLen)
			for b.Loop() {
				copy(x, in)
				f.apply(x)
			}
		})
	}
}

func BenchmarkGEGLU(b *testing.B) {
	s := kerneltest.NewSource(b, guard.Back)
	dst, x, y := s.Floats(benchLen), s.Floats(benchLen), s.Floats(benchLen)
	b.SetBytes(3 * 4 * benchLen)
	for b.Loop() {
		act.GEGLU(dst, x, y)
	}
}
