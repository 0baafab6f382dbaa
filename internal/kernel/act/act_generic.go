package act

import (
	"math"

	"github.com/df65613c/easel/internal/kernel/vec"
)

var generic = activations{silu: siluGeneric, quickGELU: quickGELUGeneric, gelu: geluGeneric,
	geluTanh: geluTanhGeneric, geglu: gegluGeneric}

// gate returns x sigmoid(z), where z has the sign of x.
func gate(x, z float32) float32 {
	t := vec.Exp(math.Float32frombits(math.Float32bits(z) | 1<<31)) // exp(-|z|) can't overflow
	// For x below 0 the factor is t/(1+t), else 1/(1+t). A branch on the sign
	// would be mispredicted half of the time.
	const one = 0x3f800000
	negative := uint32(int32(math.Float32bits(x)) >> 31)
	factor := math.Float32frombits(one ^ negative&(one^math.Float32bits(t)))
	return x * factor / (1 + t)
}

func siluGeneric(x []float32) {
	for i, v := range x {
		x[i] = gate(v, v)
	}
}

func quickGELUGeneric(x []float32) {
	for i, v := range x {
		x[i] = gate(v, 1.702*v)
	}
}

func geluGeneric(x []float32) {
	for i, v := range x {
		x[i] = gelu(v)
	}
}

func geluTanhGeneric(x []float32) {
	for i, v := range x {
		x[i] = gate(v, v*(1.5957691216+0.0713548162726*(v*v)))
	}
}

func gegluGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * gelu(b[i])
	}
}

func gelu(x float32) float32 {
	u := x * x
	if u > 27.5625 {
		u = 27.5625
	}
	s := float32(-5.41754619e-12)
	s = s*u + 3.58992586e-10
	s = s*u - 5.47538237e-09
	s = s*u - 1.55188019e-07
	s = s*u + 7.23810354e-06
	s = s*u - 0.000108359724
	s = s*u - 6.87035717e-05
	s = s*u + 0.0726683736
	s = s*u + 1.59576952
	return gate(x, x*s)
}
