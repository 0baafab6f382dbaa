package sched

import (
	"context"
	"slices"
)

// lmsOrder is how many slopes LMS remembers.
const lmsOrder = 4

// LMS is the linear multistep method (Adams-Bashforth of variable step) of
// fourth order in sigma, as Crowson's k-diffusion has it.
func LMS[T Float](ctx context.Context, r *Run[T]) error {
	slopes := make([][]T, lmsOrder) // the newest first
	for i := range slopes {
		slopes[i] = make([]T, len(r.X))
	}
	sigmas := make([]float64, 0, lmsOrder) // at which they were taken
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if still(from, to) {
			return
		}
		slope := slopes[lmsOrder-1]
		copy(slopes[1:], slopes)
		slopes[0] = slope
		sigmas = slices.Insert(sigmas[:min(len(sigmas), lmsOrder-1)], 0, from)
		for j, x := range r.X {
			slope[j] = (x - denoised[j]) / T(from)
		}
		for k := range sigmas {
			c := T(lmsCoefficient(sigmas, to, k))
			for j, d := range slopes[k] {
				r.X[j] += c * d
			}
		}
	})
}

// lmsCoefficient integrates from the first sigma on the Lagrange polynomial
// that is 1 at the k-th and 0 at the others. Gauss's rule of two points is exact
// for its degree, 3 at most.
func lmsCoefficient(sigmas []float64, to float64, k int) float64 {
	const point = 0.577350269189625764509 // 1/sqrt(3)
	from := sigmas[0]
	sum := 0.0
	for _, p := range []float64{-point, point} {
		s, l := (from+to)/2+(to-from)/2*p, 1.0
		for m, sigma := range sigmas {
			if m != k {
				l *= (s - sigma) / (sigmas[k] - sigma)
			}
		}
		sum += l
	}
	return sum * (to - from) / 2
}

// lmsSteps is LMS as diffusers has it: a run that starts within a schedule
// interpolates as if it had been at the levels before, whose slopes it lacks.
func lmsSteps[T Float](ctx context.Context, r *Run[T]) error {
	if r.First == 0 {
		return LMS(ctx, r)
	}
	slopes := newSlopes(r)
	whole := r.whole()
	var sigmas []float64
	return r.steps(ctx, func(i int, denoised []T) {
		slopes.push(denoised, r.Sigmas[i])
		sigmas = sigmas[:0]
		for k := range min(r.First+i+1, lmsOrder) {
			sigmas = append(sigmas, whole[r.First+i-k])
		}
		for k := range min(i+1, len(sigmas)) {
			c := T(lmsCoefficient(sigmas, r.Sigmas[i+1], k))
			for j, d := range slopes.last[k] {
				r.X[j] += c * d
			}
		}
	})
}
