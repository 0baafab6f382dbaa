package sched

import (
	"context"
	"math"
)

// ancestral splits a step to a noise level into a step further down and the
// noise that leads back up, eta of it.
func ancestral(from, to, eta float64) (down, up float64) {
	if eta == 0 {
		return to, 0
	}
	up = min(to, eta*math.Sqrt(max(to*to*(from*from-to*to)/(from*from), 0)))
	return math.Sqrt(to*to - up*up), up
}

// ancestralSteps takes each step further down than asked and adds fresh noise
// back, but for one down to 0.
func (r *Run[T]) ancestralSteps(ctx context.Context, eta float64, split func(from, to, eta float64) (down, up float64),
	step func(ctx context.Context, i int, denoised []T, to float64) error) error {
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.evaluations(ctx, func(i int, denoised []T) error {
		down, up := split(r.Sigmas[i], r.Sigmas[i+1], eta)
		if err := step(ctx, i, denoised, down); err != nil || r.Sigmas[i+1] == 0 || eta == 0 {
			return err
		}
		r.Noise.Normal(noise)
		g := T(up * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
		return nil
	})
}

func ancestral32(from, to, eta float64) (down, up float64) {
	if eta != 1 {
		return ancestral(from, to, eta)
	}
	a, b := float32(from)*float32(from), float32(to)*float32(to)
	u := float32(math.Sqrt(float64(b * float32(a-b) / a)))
	return math.Sqrt(float64(float32(b - float32(u*u)))), float64(u)
}
