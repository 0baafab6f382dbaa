package sched

import (
	"context"
	"math"
)

// DPMPP2SAncestral is the single-step solver of second order, DPM-Solver++(2S)
// (Lu et al. 2022, algorithm 1 with r = 1/2), with ancestral steps, as k-diffusion has it.
func DPMPP2SAncestral[T Float](ctx context.Context, r *Run[T]) error { return r.dpmpp2S(ctx, r.eta(1)) }

// DPMPP2S is DPMPP2SAncestral without the noise.
func DPMPP2S[T Float](ctx context.Context, r *Run[T]) error { return r.dpmpp2S(ctx, 0) }

func (r *Run[T]) dpmpp2S(ctx context.Context, eta float64) error {
	x, denoised2 := make([]T, len(r.X)), make([]T, len(r.X))
	return r.ancestralSteps(ctx, eta, ancestral, func(ctx context.Context, i int, denoised []T, to float64) error {
		from := r.Sigmas[i]
		if to == 0 {
			r.eulerStep(denoised, from, to)
			return nil
		}
		middle := math.Sqrt(from * to)
		for j, v := range r.X {
			x[j] = T(middle/from)*v + T(1-middle/from)*denoised[j]
		}
		if err := r.evaluate(ctx, denoised2, x, middle, i); err != nil {
			return err
		}
		for j, v := range r.X {
			r.X[j] = T(to/from)*v + T(1-to/from)*denoised2[j]
		}
		return nil
	})
}
