package sched

import "context"

// adamsBashforth are the coefficients of Adams and Bashforth for even steps, by
// order, newest slope first.
var adamsBashforth = [...][]float64{{1}, {3. / 2, -1. / 2}, {23. / 12, -16. / 12, 5. / 12}, {55. / 24, -59. / 24, 37. / 24, -9. / 24}}

// IPNDM is the improved pseudo numerical method (Liu et al. 2022; Zhang and
// Chen 2022, section 3.4): the multistep method of fourth order for even steps on
// the slopes in sigma, of lower order while there are fewer.
func IPNDM[T Float](ctx context.Context, r *Run[T]) error {
	slopes := make([][]T, len(adamsBashforth)) // the newest first
	for k := range slopes {
		slopes[k] = make([]T, len(r.X))
	}
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		newest := slopes[len(slopes)-1]
		copy(slopes[1:], slopes)
		slopes[0] = newest
		for j, x := range r.X {
			newest[j] = (x - denoised[j]) / T(from)
		}
		for k, c := range adamsBashforth[min(i, len(slopes)-1)] {
			f := T(c * (to - from))
			for j, d := range slopes[k] {
				r.X[j] += f * d
			}
		}
	})
}

// LCM takes the estimate for the result and adds noise of the next level, as
// latent consistency models are sampled (Luo et al. 2023, algorithm 3).
func LCM[T Float](ctx context.Context, r *Run[T]) error {
	if err := r.needsNoise(1); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		copy(r.X, denoised)
		to := r.Sigmas[i+1]
		if to == 0 {
			return
		}
		r.Noise.Normal(noise)
		g := T(to * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
	})
}
