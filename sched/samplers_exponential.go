package sched

import (
	"context"
	"math"
)

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

// UniPCBH1 and UniPCBH2 are the multistep predictor and corrector of third
// order of Zhao et al. 2023 (UniPC), on estimates of x0, with B(h) = h and
// B(h) = exp(h) - 1. The order may fall
// to the first towards the end, as in diffusers, which lowers the order of the whole to 2.
func UniPCBH1[T Float](ctx context.Context, r *Run[T]) error {
	return r.uniPC(ctx, uniPCB1)
}

// UniPCBH2 is described with UniPCBH1.
func UniPCBH2[T Float](ctx context.Context, r *Run[T]) error {
	return r.uniPC(ctx, uniPCB2)
}

const uniPCOrder = 3

func (r *Run[T]) uniPC(ctx context.Context, b func(h float64) float64) error {
	weights := unifiedWeights(b)
	past := newHistory[T](r.order(uniPCOrder), len(r.X))
	before := make([]T, len(r.X)) // the state at the start of the last step
	order, last := 0, len(r.Sigmas)-2
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if still(from, to) {
			return
		}
		if order > 0 {
			past.step(r.X, before, denoised, from, order, weights)
		}
		past.push(denoised, from)
		copy(before, r.X)
		if order = past.len(); r.FirstOrderLast {
			order = min(order, last-i+1)
		}
		past.step(r.X, before, nil, to, order, weights)
	})
}

// unifiedWeights is exponentialWeights but for two nodes, of which UniPC takes
// weights that hold for any B; those of more don't depend on it.
func unifiedWeights(b func(h float64) float64) func(dst, nodes []float64, h float64) {
	return func(dst, nodes []float64, h float64) {
		if len(nodes) != 2 {
			exponentialWeights(dst, nodes, h)
			return
		}
		dst[1] = b(h) / 2 / nodes[1]
		dst[0] = -math.Expm1(-h) - dst[1]
	}
}
