package sched

import (
	"context"
	"math"
)

// Euler is Euler's method on the probability-flow ODE (Karras et al. 2022,
// algorithm 2).
func Euler[T Float](ctx context.Context, r *Run[T]) error {
	return r.churned(ctx, func(i int, from float64, denoised []T) error {
		r.eulerStep(denoised, from, r.Sigmas[i+1])
		return nil
	})
}

// EulerAncestral steps below the next level and adds fresh noise to reach it,
// as in k-diffusion. Like diffusers, it also draws noise at the last step, and
// does not use it.
func EulerAncestral[T Float](ctx context.Context, r *Run[T]) error { return r.eulerAncestral(ctx, 1) }

func (r *Run[T]) eulerAncestral(ctx context.Context, eta float64) error {
	eta = r.eta(eta)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		down, up := ancestral(r.Sigmas[i], r.Sigmas[i+1], eta)
		if eta != 0 {
			r.Noise.Normal(noise)
		}
		// In the references' order of operations, which decides the last digits at high levels.
		from, dt, g := T(r.Sigmas[i]), T(down-r.Sigmas[i]), T(up*r.sNoise())
		for j, x := range r.X {
			r.X[j] = x + (x-denoised[j])/from*dt + T(noise[j])*g
		}
	})
}

// eulerMethod is Euler's with churn as in diffusers: the model is called before the
// noise of the raised level is added.
func eulerMethod(c *Config, _ *training, _ int) method {
	p := c.prediction()
	return method{
		takesChurn | takesSNoise, func(ctx context.Context, r *Run[float32]) error { return eulerSteps(ctx, r, p) },
		func(ctx context.Context, r *Run[float64]) error { return eulerSteps(ctx, r, p) },
	}
}

func eulerSteps[T Float](ctx context.Context, r *Run[T], p Prediction) error {
	if r.Churn.Amount == 0 {
		return Euler(ctx, r)
	}
	if err := r.needsNoise(1); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		raised := from * (1 + r.Churn.gamma(from, r.total()))
		if raised == from {
			r.eulerStep(denoised, from, to)
			return
		}
		r.Noise.Normal(noise)
		g := T(math.Sqrt(raised*raised-from*from) * r.sNoise())
		_, skip, out := p.Scalings(from)
		_, skip2, out2 := p.Scalings(raised)
		if p == VPrediction {
			skip2, out2 = skip, out // as diffusers has it
		}
		for j, x := range r.X {
			output := (denoised[j] - T(skip)*x) / T(out)
			r.X[j] = x + T(noise[j])*g
			denoised[j] = T(skip2)*r.X[j] + T(out2)*output
		}
		r.eulerStep(denoised, raised, to)
	})
}
