package sched

import "math"

// gauss is the rule of Gauss and Legendre of eight points on 0 to 1: exact to
// rounding for the integrals below over any panel shorter than gaussLength.
var gauss = [...]struct{ at, weight float64 }{
	{0.019855071751231912, 0.050614268145188344}, {0.10166676129318664, 0.11119051722668717},
	{0.2372337950418355, 0.15685332293894352}, {0.4082826787521751, 0.18134189168918088},
	{0.5917173212478248, 0.18134189168918088}, {0.7627662049581645, 0.15685332293894352},
	{0.8983332387068134, 0.11119051722668717}, {0.9801449282487681, 0.050614268145188344},
}

const gaussLength = 3

// exponentialWeights fills dst with the integrals over a step of length h in log
// sigma of the Lagrange polynomials of the nodes, under the kernel of the
// probability-flow ODE: what estimates of x0 at the nodes add to x exp(-h).
// Nodes are in terms of the step, 0 at its start and 1 at its end.
func exponentialWeights(dst, nodes []float64, h float64) {
	sum := -math.Expm1(-h)
	panels := max(1, math.Ceil(math.Abs(h)/gaussLength))
	dst[0] = sum
	for k := 1; k < len(nodes); k++ {
		dst[k] = 0
		for panel := range int(panels) {
			for _, g := range gauss {
				at := (float64(panel) + g.at) / panels
				l := h * math.Exp(-h*(1-at)) * g.weight / panels
				for m, node := range nodes {
					if m != k {
						l *= (at - node) / (nodes[k] - node)
					}
				}
				dst[k] += l
			}
		}
		dst[0] -= dst[k]
	}
}

// phi is the k-th of the functions of exponential integrators, at -h: the
// integral of exp(-h (1-s)) s^(k-1)/(k-1)! over 0 to 1 (Hochbruck and Ostermann
// 2005, equation 2.5).
func phi(k int, h float64) float64 {
	panels := max(1, math.Ceil(math.Abs(h)/gaussLength))
	sum := 0.0
	for panel := range int(panels) {
		for _, g := range gauss {
			at := (float64(panel) + g.at) / panels
			f := math.Exp(-h*(1-at)) * g.weight / panels
			for i := 1; i < k; i++ {
				f *= at / float64(i)
			}
			sum += f
		}
	}
	return sum
}
