package sched

import "context"

// RESMultistep is the multistep exponential integrator of second order of
// Zhang et al. 2023 ("Improved order analysis and design of exponential
// integrator for diffusion models sampling"), which starts with a step of first order.
func RESMultistep[T Float](ctx context.Context, r *Run[T]) error {
	past := newHistory[T](2, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if still(from, to) {
			return
		}
		past.push(denoised, from)
		past.step(r.X, r.X, nil, to, past.len(), exponentialWeights)
	})
}
