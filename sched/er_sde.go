package sched

import (
	"context"
	"math"
)

// erPoints is how many points stand for the integrals of ER-SDE.
const erPoints = 200

// erScale is the noise scale of ER-SDE that its authors found best (Cui et al. 2023,
// ER SDE 5).
func erScale(sigma float64) float64 { return sigma * (math.Exp(math.Pow(sigma, 0.3)) + 10) }

// ERSDE is the extended reverse-time solver of the diffusion SDE,
// ER-SDE-Solver-3 (Cui et al. 2023): a multistep method whose order rises to 3.
// A last step to 0 gives the estimate of x0.
func ERSDE[T Float](ctx context.Context, r *Run[T]) error {
	if err := r.needsNoise(r.sNoise()); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	last, slope, slopes := make([]T, len(r.X)), make([]T, len(r.X)), make([]T, len(r.X))
	var past [2]float64 // the levels of the estimates before, the newest first, or 0
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if to == 0 {
			copy(r.X, denoised)
			return
		}
		if still(from, to) {
			return
		}
		keep := erScale(to) / erScale(from)
		first, second := erIntegrals(from, to)
		for j, x := range r.X {
			x = T(keep)*x + T(1-keep)*denoised[j]
			if past[0] > 0 {
				d := (denoised[j] - last[j]) / T(from-past[0])
				x += T(first) * d
				if past[1] > 0 {
					x += T(second) * (d - slope[j]) / T((from-past[1])/2)
				}
				slopes[j] = d
			}
			r.X[j] = x
		}
		slope, slopes = slopes, slope
		copy(last, denoised)
		past[0], past[1] = from, past[0]
		if r.sNoise() == 0 {
			return
		}
		r.Noise.Normal(noise)
		g := T(math.Sqrt(max(to*to-from*from*keep*keep, 0)) * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
	})
}

// erIntegrals returns what the first and the second slope of the estimate weigh.
func erIntegrals(from, to float64) (first, second float64) {
	step := (from - to) / erPoints
	for k := range erPoints {
		at := to + float64(k)*step
		first += step / erScale(at)
		second += step * (at - from) / erScale(at)
	}
	return to - from + first*erScale(to), (to-from)*(to-from)/2 + second*erScale(to)
}
