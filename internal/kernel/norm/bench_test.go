package norm_test

import (
	"fmt"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
	"github.com/df65613c/easel/internal/kernel/norm"
)

const benchLen = 1 << 15 // as the units of a graph: stays in the second cache

func BenchmarkLayer(b *testing.B) {
	for _, n := range []int{640, 1280} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			dst, x, scale, shift := s.Floats(n), s.Floats(n), s.Floats(n), s.Floats(n)
			b.SetBytes(2 * 4 * int64(n))
			for b.Loop() {
				norm.Layer(dst, x, scale, shift, 1e-5)
			}
		})
	}
}

func BenchmarkGroupMoments(b *testing.B) {
	for _, c := range []int{320, 960, 2560} {
		b.Run(fmt.Sprint(c), func(b *testing.B) {
			rows := kerneltest.NewSource(b, guard.Back).Floats(benchLen / c * c)
			m := make([]norm.Moments, 32)
			b.SetBytes(4 * int64(len(rows)))
			for b.Loop() {
				norm.GroupMoments(m, rows, c)
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	for _, f := range applies {
		b.Run(f.name, func(b *testing.B) {
			const c = 320
			s := kerneltest.NewSource(b, guard.Back)
			dst, x, mul, add := s.Floats(benchLen/c*c), s.Floats(benchLen/c*c), s.Floats(c), s.Floats(c)
			b.SetBytes(2 * 4 * int64(len(x)))
			for b.Loop() {
				f.apply(dst, x, mul, add)
			}
		})
	}
}
