package sched

import "math"

// fma32 is a*b + c, rounded once but for rare ties.
func fma32(a, b, c float32) float32 { return float32(float64(a)*float64(b) + float64(c)) }

// exp32 is the exponential, rounded once.
func exp32(v float32) float32 { return float32(math.Exp(float64(v))) }

// log32 is the logarithm in float32 as numpy computes it with vector
// instructions: a rational approximation on sqrt(1/2) to sqrt(2), which is up
// to 2 units in the last place from the exact one. Model times under Karras
// sigmas come from a table of these.
func log32(v float32) float32 {
	mantissa, exp := math.Frexp(float64(v))
	m, e := float32(2*mantissa), float32(exp-1)
	if m > math.Sqrt2 {
		m, e = m/2, e+1
	}
	x := m - 1
	return fma32(e, math.Ln2, horner32(logP[:], x)/horner32(logQ[:], x))
}

var (
	logP = [...]float32{2.589979117907922693523e-02, 3.808837741388407920751e-01, 1.480000633576506585156,
		2.112677543073053063722, 9.999999999999998702752e-01, 0}
	logQ = [...]float32{5.875095403124574342950e-03, 1.546476374983906719538e-01, 9.864942958519418960339e-01,
		2.453006071784736363091, 2.612677543073109236779, 1}
)

// horner32 evaluates a polynomial whose highest coefficient comes first.
func horner32(c []float32, x float32) float32 {
	r := c[0]
	for _, k := range c[1:] {
		r = fma32(r, x, k)
	}
	return r
}
