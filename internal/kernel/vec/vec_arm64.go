package vec

import "github.com/df65613c/easel/internal/cpu"

// The loops of NEON take multiples of lanes.

//go:noescape
func addNEON(dst, a, b *float32, n int)

//go:noescape
func mulNEON(dst, a, b *float32, n int)

//go:noescape
func affineNEON(dst, x *float32, n int, scale, shift float32)

const lanes = 4

var neon = passes{
	add: func(dst, a, b []float32) {
		n := len(dst) &^ (lanes - 1)
		if n > 0 {
			addNEON(&dst[0], &a[0], &b[0], n)
		}
		addGeneric(dst[n:], a[n:], b[n:])
	},
	mul: func(dst, a, b []float32) {
		n := len(dst) &^ (lanes - 1)
		if n > 0 {
			mulNEON(&dst[0], &a[0], &b[0], n)
		}
		mulGeneric(dst[n:], a[n:], b[n:])
	},
	affine: func(dst, x []float32, scale, shift float32) {
		n := len(dst) &^ (lanes - 1)
		if n > 0 {
			affineNEON(&dst[0], &x[0], n, scale, shift)
		}
		affineGeneric(dst[n:], x[n:], scale, shift)
	},
}

func current() *passes {
	if cpu.Current() == cpu.NEON {
		return &neon
	}
	return &generic
}
