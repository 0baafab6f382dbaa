package sched

import "context"

// DEIS is the multistep method of Zhang and Chen 2022 ("Fast sampling of
// diffusion models with exponential integrator", log-rho AB) of third order: the
// slopes in sigma are interpolated in log sigma and integrated exactly. It starts
// with steps of low order.
func DEIS[T Float](ctx context.Context, r *Run[T]) error {
	past := newHistory[T](r.atMost(MaxOrder, MaxOrder), len(r.X))
	last := len(r.Sigmas) - 2
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if r.plain(from, to, denoised) {
			return
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
		past.noiseStep(r.X, r.X, nil, to, order, exponentialWeights)
	})
}

// deis is the multistep method of Zhang and Chen 2022 as diffusers has it.
type deis struct {
	limit      limit
	order      int
	lowerFinal bool // the last steps of a short run are of lower order
}

func deisMethod(c *Config, _ *training, _ int) method {
	d := deis{c.limit(), c.SolverOrder, c.LowerOrderFinal}
	return method{
		takesOrder, func(ctx context.Context, r *Run[float32]) error { return deisSteps(ctx, r, d) },
		func(ctx context.Context, r *Run[float64]) error { return deisSteps(ctx, r, d) },
	}
}

func deisSteps[T Float](ctx context.Context, r *Run[T], d deis) error {
	r.limit = d.limit
	d.order = r.atMost(d.order, MaxOrder)
	r.FirstOrderLast = d.lowerFinal && r.total() < shortRun
	r.Order = d.order
	return DEIS(ctx, r)
}
