package sched

import "context"

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
