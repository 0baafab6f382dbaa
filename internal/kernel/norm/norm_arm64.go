package norm

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func momentsNEON(x *float32, n int, shift float64) (sum, sq float64)

//go:noescape
func columnsNEON(sum, sq *float64, x *float32, rows, c int)

// The loops below take rows of a multiple of neonLanes values.

//go:noescape
func normaliseNEON(dst, x, scale, shift *float32, n int, mean, inv float32)

//go:noescape
func applyNEON(dst, x, mul, add *float32, rows, c int)

//go:noescape
func applySiLUNEON(dst, x, mul, add *float32, rows, c int)

const neonLanes = 4

var neon = kernels{
	moments: func(x []float32, shift float64) (m Moments) {
		m.Sum, m.Sq = momentsNEON(&x[0], len(x), shift)
		return m
	},
	normalise: func(dst, x, scale, shift []float32, mean, inv float32) {
		n := len(x) &^ (neonLanes - 1)
		if n > 0 {
			normaliseNEON(&dst[0], &x[0], &scale[0], &shift[0], n, mean, inv)
		}
		normaliseGeneric(dst[n:], x[n:], scale[n:], shift[n:], mean, inv)
	},
	apply: func(dst, x, mul, add []float32, rows int) {
		if len(mul)%neonLanes != 0 {
			applyGeneric(dst, x, mul, add, rows)
			return
		}
		applyNEON(&dst[0], &x[0], &mul[0], &add[0], rows, len(mul))
	},
	applySiLU: func(dst, x, mul, add []float32, rows int) {
		if len(mul)%neonLanes != 0 {
			applySiLUGeneric(dst, x, mul, add, rows)
			return
		}
		applySiLUNEON(&dst[0], &x[0], &mul[0], &add[0], rows, len(mul))
	},
}

func current() *kernels {
	if cpu.Current() == cpu.NEON {
		return &neon
	}
	return &generic
}

// strip is how many columns columnsNEON takes.
const strip = 16

func groupMoments(m []Moments, rows []float32, c int) {
	n := len(rows) / c
	if n == 0 || c%strip != 0 || cpu.Current() != cpu.NEON {
		groupMomentsGeneric(m, rows, c)
		return
	}
	clear(m)
	size := c / len(m)
	for from := 0; from < c; from += strip {
		var sum, sq [strip]float64
		columnsNEON(&sum[0], &sq[0], &rows[from], n, c)
		for i := range strip {
			m[(from+i)/size].add(Moments{sum[i], sq[i]})
		}
	}
}
