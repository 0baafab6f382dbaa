package sched

import "context"

// lmsOrder is how many slopes LMS looks back on.
const lmsOrder = 4

// LMS is the linear multistep method of fourth order: the slopes of the last
// steps as a polynomial in sigma, integrated over the step (Adams and Bashforth
// on uneven steps; k-diffusion's sample_lms).
func LMS[T Float](ctx context.Context, r *Run[T]) error {
	var slopes [][]T // the newest first
	return r.steps(ctx, func(i int, denoised []T) {
		slope := make([]T, len(r.X))
		if len(slopes) == lmsOrder {
			slope, slopes = slopes[lmsOrder-1], slopes[:lmsOrder-1]
		}
		inverse := T(1 / r.Sigmas[i])
		for j, x := range r.X {
			slope[j] = (x - denoised[j]) * inverse
		}
		slopes = append([][]T{slope}, slopes...)
		for k, d := range slopes {
			c := T(adamsBashforth(r.Sigmas, i, k, len(slopes)))
			for j := range r.X {
				r.X[j] += c * d[j]
			}
		}
	})
}

// adamsBashforth is the integral from sigma i to the next of the polynomial
// that is 1 at sigma i-k and 0 at the others of the last so many.
func adamsBashforth(sigmas []float64, i, k, order int) float64 {
	// Gauss and Legendre's rule of 2 points is exact up to the third degree.
	const root = 0.57735026918962576451
	middle, half := (sigmas[i+1]+sigmas[i])/2, (sigmas[i+1]-sigmas[i])/2
	sum := 0.0
	for _, at := range []float64{-root, root} {
		product, s := 1.0, middle+half*at
		for j := range order {
			if j != k {
				product *= (s - sigmas[i-j]) / (sigmas[i-k] - sigmas[i-j])
			}
		}
		sum += product
	}
	return sum * half
}
