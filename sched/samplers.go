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

// EulerAncestral steps down further than asked and adds fresh noise back, as
// k-diffusion has it. It draws noise at the last step too, as diffusers does,
// where none is added.
func EulerAncestral[T Float](ctx context.Context, r *Run[T]) error { return r.eulerAncestral(ctx, 1) }

// DDIM is the sampler of Song et al. 2020 with an eta of 0 unless told
// otherwise: in the space of x0 + sigma noise Euler's method, with ancestral steps
// where eta is not 0.
func DDIM[T Float](ctx context.Context, r *Run[T]) error { return r.eulerAncestral(ctx, 0) }

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
		// In the order of the references, which from a high level decides the last digits.
		from, dt, g := T(r.Sigmas[i]), T(down-r.Sigmas[i]), T(up*r.sNoise())
		for j, x := range r.X {
			r.X[j] = x + (x-denoised[j])/from*dt + T(noise[j])*g
		}
	})
}

// ancestral splits a step to a noise level into a step further down and the
// noise that leads back up, eta of it.
func ancestral(from, to, eta float64) (down, up float64) {
	if eta == 0 {
		return to, 0
	}
	up = min(to, eta*math.Sqrt(max(to*to*(from*from-to*to)/(from*from), 0)))
	return math.Sqrt(to*to - up*up), up
}

// DPMPP2M is the multistep solver of second order, DPM-Solver++(2M) (Lu et al.
// 2022, algorithm 2), which starts and ends with a step of first order.
func DPMPP2M[T Float](ctx context.Context, r *Run[T]) error {
	previous := make([]T, len(r.X))
	last := len(r.Sigmas) - 2
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		k := 0.0 // half the ratio of this step to the one before, in log sigma
		if i > 0 && to > 0 && r.Sigmas[i-1] > from && (i < last || !r.FirstOrderLast) {
			k = math.Log(from/to) / math.Log(r.Sigmas[i-1]/from) / 2
		}
		keep, a, b := T(to/from), T((1-to/from)*(1+k)), T((1-to/from)*k)
		for j, x := range r.X {
			r.X[j] = keep*x + a*denoised[j] - b*previous[j]
		}
		copy(previous, denoised)
	})
}
