// Package act holds the activations of the networks, over float32 slices.
package act

import "math"

// SiLU replaces each x by x sigmoid(x).
func SiLU(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(v) / (1 + math.Exp(-float64(v))))
	}
}

// QuickGELU replaces each x by x sigmoid(1.702 x).
func QuickGELU(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(v) / (1 + math.Exp(-1.702*float64(v))))
	}
}

// GELU replaces each x by x Phi(x), Phi the normal distribution function.
func GELU(x []float32) {
	for i, v := range x {
		x[i] = gelu(v)
	}
}

func gelu(v float32) float32 {
	return float32(float64(v) * 0.5 * math.Erfc(-float64(v)*(1/math.Sqrt2)))
}

// GEGLU sets dst[i] = a[i] gelu(b[i]).
func GEGLU(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * gelu(b[i])
	}
}
