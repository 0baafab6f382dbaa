package norm

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func momentsAVX2(x *float32, n int, shift float64) (sum, sq float64)

//go:noescape
func normaliseAVX2(dst, x, scale, shift *float32, n int, mean, inv float32)

//go:noescape
func applyAVX2(dst, x, mul, add *float32, rows, c int)

//go:noescape
func applySiLUAVX2(dst, x, mul, add *float32, rows, c int)

//go:noescape
func momentsAVX512(x *float32, n int, shift float64) (sum, sq float64)

//go:noescape
func normaliseAVX512(dst, x, scale, shift *float32, n int, mean, inv float32)

//go:noescape
func applyAVX512(dst, x, mul, add *float32, rows, c int)

//go:noescape
func applySiLUAVX512(dst, x, mul, add *float32, rows, c int)

var levels = [...]kernels{
	cpu.Generic: generic,
	cpu.AVX2: {
		moments: func(x []float32, shift float64) (m Moments) {
			m.Sum, m.Sq = momentsAVX2(&x[0], len(x), shift)
			return m
		},
		normalise: func(dst, x, scale, shift []float32, mean, inv float32) {
			normaliseAVX2(&dst[0], &x[0], &scale[0], &shift[0], len(x), mean, inv)
		},
		apply: func(dst, x, mul, add []float32, rows int) {
			applyAVX2(&dst[0], &x[0], &mul[0], &add[0], rows, len(mul))
		},
		applySiLU: func(dst, x, mul, add []float32, rows int) {
			applySiLUAVX2(&dst[0], &x[0], &mul[0], &add[0], rows, len(mul))
		},
	},
	cpu.AVX512: {
		moments: func(x []float32, shift float64) (m Moments) {
			m.Sum, m.Sq = momentsAVX512(&x[0], len(x), shift)
			return m
		},
		normalise: func(dst, x, scale, shift []float32, mean, inv float32) {
			normaliseAVX512(&dst[0], &x[0], &scale[0], &shift[0], len(x), mean, inv)
		},
		apply: func(dst, x, mul, add []float32, rows int) {
			applyAVX512(&dst[0], &x[0], &mul[0], &add[0], rows, len(mul))
		},
		applySiLU: func(dst, x, mul, add []float32, rows int) {
			applySiLUAVX512(&dst[0], &x[0], &mul[0], &add[0], rows, len(mul))
		},
	},
}

func current() *kernels { return &levels[cpu.Current()] }
