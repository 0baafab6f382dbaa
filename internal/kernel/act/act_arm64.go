package act

import "github.com/df65613c/easel/internal/cpu"

// The loops of NEON take multiples of lanes.

//go:noescape
func siluNEON(x *float32, n int)

//go:noescape
func quickGELUNEON(x *float32, n int)

//go:noescape
func geluNEON(x *float32, n int)

//go:noescape
func geluTanhNEON(x *float32, n int)

//go:noescape
func gegluNEON(dst, a, b *float32, n int)

const lanes = 4

var neon = activations{
	silu:      func(x []float32) { inVectors(x, func(v *float32, n int) { siluNEON(v, n) }) },
	quickGELU: func(x []float32) { inVectors(x, func(v *float32, n int) { quickGELUNEON(v, n) }) },
	gelu:      func(x []float32) { inVectors(x, func(v *float32, n int) { geluNEON(v, n) }) },
	geluTanh:  func(x []float32) { inVectors(x, func(v *float32, n int) { geluTanhNEON(v, n) }) },
	geglu: func(dst, a, b []float32) {
		n := len(dst) &^ (lanes - 1)
		if n > 0 {
			gegluNEON(&dst[0], &a[0], &b[0], n)
		}
		if n < len(dst) {
			var left, right [lanes]float32
			copy(left[:], a[n:])
			copy(right[:], b[n:])
			gegluNEON(&left[0], &left[0], &right[0], lanes)
			copy(dst[n:], left[:])
		}
	},
}

// inVectors calls f for whole vectors, the last of which may be a copy, for a
// value's result not to depend on its place.
func inVectors(x []float32, f func(v *float32, n int)) {
	n := len(x) &^ (lanes - 1)
	if n > 0 {
		f(&x[0], n)
	}
	if n < len(x) {
		var rest [lanes]float32
		copy(rest[:], x[n:])
		f(&rest[0], lanes)
		copy(x[n:], rest[:])
	}
}

func current() *activations {
	if cpu.Current() == cpu.NEON {
		return &neon
	}
	return &generic
}
