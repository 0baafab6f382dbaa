package sched

import (
	"context"
	"math"
)

const deisOrder = 3

// DEIS is the multistep method of Zhang and Chen 2022 ("Fast sampling of
// diffusion models with exponential integrator", log-rho AB) of third order: the
// slopes in sigma are interpolated in log sigma and integrated exactly. It starts
// with steps of low order.
func DEIS[T Float](ctx context.Context, r *Run[T]) error {
	past := newHistory[T](r.order(deisOrder), len(r.X))
	last := len(r.Sigmas) - 2
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if to == 0 {
			copy(r.X, denoised)
			return
		}
		if math.Abs(to-from) <= rounding*from {
			return // a step of no length teaches nothing new
		}
		past.push(denoised, from)
		slope := past.values[0]
		for j, x := range r.X {
			slope[j] = (x - slope[j]) / T(from)
		}
		order := past.len()
		if r.FirstOrderLast {
			order = min(order, last-i+1)
		}
		// Backwards in log sigma the kernel is sigma itself.
		h := past.place(to, order, false)
		exponentialWeights(past.weights, past.nodes, -h)
		for k := range past.nodes {
			past.weights[k] *= to
		}
		past.combine(r.X, r.X, nil, 1)
	})
}
