package sched

import (
	"context"
	"math"
)

// churned is evaluations after the noise level of each step is raised; advance
// is told what it then is.
func (r *Run[T]) churned(ctx context.Context, advance func(i int, from float64, denoised []T) error) error {
	if r.Churn.Amount == 0 {
		return r.evaluations(ctx, func(i int, denoised []T) error { return advance(i, r.Sigmas[i], denoised) })
	}
	if err := r.check(); err != nil {
		return err
	}
	if err := r.needsNoise(1); err != nil {
		return err
	}
	noise, denoised := make([]float32, len(r.X)), make([]T, len(r.X))
	for i := range len(r.Sigmas) - 1 {
		sigma := r.Sigmas[i]
		r.Noise.Normal(noise) // at every step, as k-diffusion does
		from := sigma * (1 + r.Churn.gamma(sigma, len(r.Sigmas)-1))
		if g := T(math.Sqrt(from*from-sigma*sigma) * r.sNoise()); from > sigma {
			for j := range r.X {
				r.X[j] += T(noise[j]) * g
			}
		}
		if err := r.evaluate(ctx, denoised, r.X, from, i); err != nil {
			return err
		}
		if err := advance(i, from, denoised); err != nil {
			return err
		}
		if r.OnStep != nil {
			if err := r.OnStep(i, r.X, denoised); err != nil {
				return err
			}
		}
	}
	return nil
}

// gamma is by how much of itself a noise level is raised.
func (c *Churn) gamma(sigma float64, steps int) float64 {
	if sigma < c.Min || c.Max > 0 && sigma > c.Max {
		return 0
	}
	return min(c.Amount/float64(steps), math.Sqrt2-1)
}
