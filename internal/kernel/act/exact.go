package act

import "math"

// SiLU replaces each x by x sigmoid(x), computed in float64 and rounded once.
func SiLU(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(v) / (1 + math.Exp(-float64(v))))
	}
}

// QuickGELU replaces each x by x sigmoid(1.702 x), computed in float64 and
// rounded once.
func QuickGELU(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(v) / (1 + math.Exp(-1.702*float64(v))))
	}
}

// GELU replaces each x by x Phi(x), Phi the normal distribution function,
// computed in float64 and rounded once.
func GELU(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(v) * 0.5 * math.Erfc(-float64(v)*(1/math.Sqrt2)))
	}
}
