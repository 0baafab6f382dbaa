package sched

import (
	"context"
	"math"
)

// eulerMethod is Euler's with churn as diffusers has it: the model is asked
// before the noise of a raised level is added.
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

// sdeMethod is DPM-Solver++ of the SDE. A seed in the file is that of its
// Brownian motion, whatever the picture's.
func sdeMethod(c *Config, _ *training, _ int) method {
	seed := c.NoiseSamplerSeed
	return method{takesEta | takesSNoise, seeded(seed, DPMPPSDE[float32]), seeded(seed, DPMPPSDE[float64])}
}

func seeded[T Float](seed *int64, f run[T]) run[T] {
	if seed == nil {
		return f
	}
	return func(ctx context.Context, r *Run[T]) error {
		own := *r
		torch := func(seed int64) Noise { return NewTorchNoise(seed) }
		own.Noise = NewBrownianNoise(r.Noise, torch, *seed, r.whole())
		return f(ctx, &own)
	}
}

// kdpm2Ancestral is DPM2Ancestral with the split of a step in float32, in which
// the reference has it: where a step is long little of it is left.
func kdpm2Ancestral[T Float](ctx context.Context, r *Run[T]) error {
	step := newMidpoint(r)
	return r.ancestralSteps(ctx, r.eta(1), ancestral32, step.to)
}

func ancestral32(from, to, eta float64) (down, up float64) {
	if eta != 1 {
		return ancestral(from, to, eta)
	}
	a, b := float32(from)*float32(from), float32(to)*float32(to)
	u := float32(math.Sqrt(float64(b * float32(a-b) / a)))
	return math.Sqrt(float64(float32(b - float32(u*u)))), float64(u)
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
