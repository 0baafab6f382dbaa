package vec_test

import (
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

func BenchmarkPasses(b *testing.B) {
	const n = 1 << 15 // as the units of a graph: stays in the second cache
	for _, p := range passes {
		b.Run(p.name, func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			dst, x, y := s.Floats(n), s.Floats(n), s.Floats(n)
			b.SetBytes(3 * 4 * n)
			for b.Loop() {
				p.apply(dst, x, y)
			}
		})
	}
}
