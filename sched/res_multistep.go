package sched

import (
	"context"
	"math"
)

// RESMultistep is the multistep exponential integrator of second order of
// Zhang et al. 2023 ("Improved order analysis and design of exponential
// integrator for diffusion models sampling"), which starts with a step of first order.
func RESMultistep[T Float](ctx context.Context, r *Run[T]) error { return r.resMultistep(ctx, 0) }

// RESMultistepAncestral is RESMultistep with ancestral steps.
func RESMultistepAncestral[T Float](ctx context.Context, r *Run[T]) error {
	return r.resMultistep(ctx, r.eta(1))
}

func (r *Run[T]) resMultistep(ctx context.Context, eta float64) error {
	before, weights := make([]T, len(r.X)), [2]float64{}
	at, down := 0.0, 0.0 // of the estimate before, and where it led to without noise
	return r.ancestralSteps(ctx, eta, ancestral, func(_ context.Context, i int, denoised []T, to float64) error {
		from := r.Sigmas[i]
		if still(from, to) {
			return nil
		}
		if to == 0 || at == 0 {
			r.eulerStep(denoised, from, to)
		} else {
			h := math.Log(from / to)
			exponentialWeights(weights[:], []float64{0, math.Log(down/at) / h}, h)
			keep, a, b := T(to/from), T(weights[0]), T(weights[1])
			for j, x := range r.X {
				r.X[j] = keep*x + a*denoised[j] + b*before[j]
			}
		}
		copy(before, denoised)
		at, down = from, to
		return nil
	})
}
