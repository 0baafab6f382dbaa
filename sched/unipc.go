package sched

import (
	"context"
	"math"
	"slices"
)

// UniPCBH1 and UniPCBH2 are the multistep predictor and corrector of third
// order of Zhao et al. 2023 (UniPC), on estimates of x0, with B(h) = h and
// B(h) = exp(h) - 1. With FirstOrderLast the order falls to the first towards the
// end, as in diffusers, which lowers the order of the whole to 2.
func UniPCBH1[T Float](ctx context.Context, r *Run[T]) error {
	return uniPCSteps(ctx, r, uniPC{order: MaxOrder, b: uniPCB1, lowerFinal: r.FirstOrderLast})
}

// UniPCBH2 is described with UniPCBH1.
func UniPCBH2[T Float](ctx context.Context, r *Run[T]) error {
	return uniPCSteps(ctx, r, uniPC{order: MaxOrder, b: uniPCB2, lowerFinal: r.FirstOrderLast})
}

// unifiedWeights is exponentialWeights, except that for two nodes UniPC takes
// weights that hold for any B. With more nodes the weights don't depend on B.
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

// uniPC is the multistep predictor and corrector of Zhao et al. 2023 as
// diffusers has it.
type uniPC struct {
	limit      limit
	order      int
	b          func(h float64) float64 // B(h)
	noise      bool                    // works on the noise in x, not on x0
	lowerFinal bool                    // the order falls towards the end
	uncorrect  []int                   // steps without a corrector
}

func uniPCMethod(c *Config, _ *training, _ int) method {
	u := uniPC{order: c.SolverOrder, b: uniPCB2, noise: !c.PredictX0, lowerFinal: c.LowerOrderFinal, uncorrect: c.DisableCorrector}
	if c.Solver == "bh1" {
		u.b = uniPCB1
	}
	if c.PredictX0 {
		u.limit = c.limit()
	}
	return method{
		takesOrder, func(ctx context.Context, r *Run[float32]) error { return uniPCSteps(ctx, r, u) },
		func(ctx context.Context, r *Run[float64]) error { return uniPCSteps(ctx, r, u) },
	}
}

// uniPCB1 is the function B of UniPC's first kind.
func uniPCB1(h float64) float64 { return h }

// uniPCB2 is the function B of UniPC's second kind.
func uniPCB2(h float64) float64 { return -math.Expm1(-h) }

func uniPCSteps[T Float](ctx context.Context, r *Run[T], u uniPC) error {
	r.limit = u.limit
	weights := unifiedWeights(u.b)
	most := r.atMost(u.order, max(u.order, MaxOrder))
	past := newHistory[T](most, len(r.X))
	before := make([]T, len(r.X)) // the state at the start of the last step
	output := make([]T, len(r.X)) // x0, or the noise
	order, n := 0, len(r.Sigmas)-1
	step := func(end []T, to float64) {
		if u.noise {
			past.noiseStep(r.X, before, end, to, order, weights)
		} else {
			past.step(r.X, before, end, to, order, weights)
		}
	}
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		r.output(output, denoised, from, u.noise)
		if order > 0 && !slices.Contains(u.uncorrect, r.First+i-1) && !still(past.sigmas[0], from) {
			step(output, from)
		}
		past.push(output, from)
		copy(before, r.X)
		order = past.len()
		if u.lowerFinal {
			order = min(order, n-i)
		}
		switch {
		case to == 0:
			copy(r.X, denoised) // where diffusers has no number for some of its kinds
		case !still(from, to):
			step(nil, to)
		}
	})
}
