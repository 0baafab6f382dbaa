package sched

import "context"

// HeunPP2 is Heun++ as in the web UIs: the slope is a weighted average over
// this level and the next ones. The weight of a next level is proportional to
// its ratio to the first level of the run. Three evaluations a step, two at the
// last but one, one at the last.
func HeunPP2[T Float](ctx context.Context, r *Run[T]) error {
	x, denoised2 := make([]T, len(r.X)), make([]T, len(r.X))
	slopes := [3][]T{make([]T, len(r.X)), make([]T, len(r.X)), make([]T, len(r.X))}
	return r.churned(ctx, func(i int, from float64, denoised []T) error {
		last := len(r.Sigmas) - 1
		ahead := min(2, last-1-i)
		weights, sum := [3]float64{}, 0.0
		copy(x, r.X)
		for k := range ahead + 1 {
			at, estimate := from, denoised
			if k > 0 {
				at, estimate = r.Sigmas[i+k], denoised2
				if err := r.evaluate(ctx, denoised2, x, at, i); err != nil {
					return err
				}
				weights[k] = at / (float64(ahead+1) * r.Sigmas[0])
				sum += weights[k]
			}
			dt := T(r.Sigmas[i+k+1] - at)
			for j, v := range x {
				slopes[k][j] = (v - estimate[j]) / T(at)
				x[j] = v + slopes[k][j]*dt
			}
		}
		weights[0] = 1 - sum
		a, b, c, dt := T(weights[0]), T(weights[1]), T(weights[2]), T(r.Sigmas[i+1]-from)
		for j := range r.X {
			r.X[j] += (a*slopes[0][j] + b*slopes[1][j] + c*slopes[2][j]) * dt
		}
		return nil
	})
}
