package sched

import (
	"context"
	"math"
)

// saOrder is the order of SA-Solver's predictor; the corrector takes the
// estimates at both ends of a step.
const saOrder = 2

// SASolver is the stochastic Adams predictor and corrector of Xue et al. 2023 on
// estimates of x0, of second order each, as diffusers has it by default. Eta is tau
// between the noise levels of the training timesteps 200 and 800, and tau is 0 elsewhere.
func SASolver[T Float](ctx context.Context, r *Run[T]) error {
	eta := r.eta(1)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	if err := r.checkLevels(); err != nil {
		return err
	}
	within := r.within(saNoise[0], saNoise[1])
	past, before, noise := newHistory[T](saOrder, len(r.X)), make([]T, len(r.X)), make([]float32, len(r.X))
	weigh := unifiedWeights(uniPCB1)
	tau := 0.0 // of the last step
	step := func(end []T, to float64, order int) {
		if to == 0 {
			copy(r.X, past.values[0])
			return
		}
		h := past.place(to, order, end != nil)
		long := (1 + tau*tau) * h
		weigh(past.weights, past.nodes, long)
		past.combine(r.X, before, end, T(math.Exp(-long)))
		if tau == 0 {
			return
		}
		g := T(to * math.Sqrt(-math.Expm1(-2*tau*tau*h)) * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
	}
	last := len(r.Sigmas) - 2
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if still(from, to) {
			return
		}
		if past.len() > 0 {
			step(denoised, from, 1)
		}
		past.push(denoised, from)
		copy(before, r.X)
		if tau = 0; within(i) {
			tau = eta
		}
		if eta != 0 {
			r.Noise.Normal(noise)
		}
		order := past.len()
		if r.FirstOrderLast {
			order = min(order, last-i+1)
		}
		step(nil, to, order)
	})
}
