package sched

import "context"

// gradientGamma is how far the slope is taken beyond the one before it.
const gradientGamma = 2

// GradientEstimation is Euler's method with a slope that is extrapolated from
// the last two (Permenter and Yuan 2024). A last step to 0 gives the estimate
// of x0.
func GradientEstimation[T Float](ctx context.Context, r *Run[T]) error {
	before := make([]T, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if to == 0 {
			copy(r.X, denoised)
			return
		}
		dt := T(to - from)
		for j, x := range r.X {
			slope := (x - denoised[j]) / T(from)
			r.X[j] = x + slope*dt
			if i > 0 {
				r.X[j] += (gradientGamma - 1) * (slope - before[j]) * dt
			}
			before[j] = slope
		}
	})
}
