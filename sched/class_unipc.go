package sched

import (
	"context"
	"math"
	"slices"
)

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

// The functions B of the two kinds of UniPC.
func uniPCB1(h float64) float64 { return h }
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
		copy(output, denoised)
		if u.noise {
			for j, x := range r.X {
				output[j] = (x - denoised[j]) / T(from)
			}
		}
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
