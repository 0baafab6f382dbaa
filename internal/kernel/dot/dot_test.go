package dot_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/kernel/dot"
)

func TestProducts(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{1, 3, 20, 32, 64, 96, 512, 768, 1024, 1152} {
			for _, rows := range []int{0, 1, 2, 5, 64, 130} {
				query, m, dst := make([]float32, n), make([]float32, n*rows), make([]float32, rows)
				query8, m8, dst8 := make([]int8, n), make([]int8, n*rows), make([]float32, rows)
				for i := range query {
					query[i], query8[i] = float32(r.NormFloat64()), int8(r.IntN(255)-127)
				}
				for i := range m {
					m[i], m8[i] = float32(r.NormFloat64()), int8(r.IntN(255)-127)
				}
				dot.F32(dst, query, m)
				dot.I8(dst8, query8, m8)
				for i := range rows {
					var sum, size float64
					var exact int64
					for j := range n {
						v := float64(query[j]) * float64(m[i*n+j])
						sum, size = sum+v, size+math.Abs(v)
						exact += int64(query8[j]) * int64(m8[i*n+j])
					}
					require.InDelta(t, sum, dst[i], 1e-6*size+1e-9, "%d of %d", i, n)
					require.Equal(t, float32(exact), dst8[i], "%d of %d", i, n)
				}
			}
		}
	})
}

func TestExtremesDoNotOverflow(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		v := make([]int8, 1<<16)
		for i := range v {
			v[i] = -127
		}
		dst := make([]float32, 1)
		dot.I8(dst, v, v)
		require.Equal(t, float32(127*127*(1<<16)), dst[0])
		require.Panics(t, func() { dot.I8(dst, append(v, 1), append(v, 1)) })
		require.Panics(t, func() { dot.F32(dst, make([]float32, 5), make([]float32, 4)) })
		dot.F32(dst, nil, nil)
		require.Zero(t, dst[0])
	})
}

func BenchmarkSearch(b *testing.B) {
	const rows, n = 100_000, 512
	b.Run("f32", func(b *testing.B) {
		query, m, dst := make([]float32, n), make([]float32, rows*n), make([]float32, rows)
		for i := range m {
			m[i] = float32(i) // memory that was never written is one page
		}
		b.SetBytes(4 * rows * n)
		for b.Loop() {
			dot.F32(dst, query, m)
		}
	})
	b.Run("i8", func(b *testing.B) {
		query, m, dst := make([]int8, n), make([]int8, rows*n), make([]float32, rows)
		for i := range m {
			m[i] = int8(i)
		}
		b.SetBytes(rows * n)
		for b.Loop() {
			dot.I8(dst, query, m)
		}
	})
}
