package sched

import (
	"context"
	"math"
)

// DDIM is the sampler of Song et al. 2020. In the space of x0 + sigma noise it
// is Euler's method, with ancestral steps if Eta, by default 0, is above 0.
func DDIM[T Float](ctx context.Context, r *Run[T]) error { return r.eulerAncestral(ctx, 0) }

// ddim is the sampler of Song et al. 2020 as diffusers has it: a step leads down
// by a number of training timesteps that does not depend on the spacing, and the
// next one starts at a timestep of its own with the same latents.
type ddim struct {
	limit  limit
	t      *training
	stride int     // in training timesteps
	end    float64 // the level below that of the first timestep
}

func ddimMethod(c *Config, t *training, steps int) method {
	d := ddim{c.limit(), t, c.TrainTimesteps / steps, c.lastLevel(t)}
	return method{
		takesEta | takesSNoise, func(ctx context.Context, r *Run[float32]) error { return ddimSteps(ctx, r, d) },
		func(ctx context.Context, r *Run[float64]) error { return ddimSteps(ctx, r, d) },
	}
}

func ddimSteps[T Float](ctx context.Context, r *Run[T], d ddim) error {
	eta := r.eta(0)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], d.t.at(int(r.Timesteps[i])-d.stride, d.end)
		down, up := ancestral(from, to, eta)
		if eta != 0 {
			r.Noise.Normal(noise)
		}
		slope, g := T(down/from), T(up*r.sNoise())
		// The noise in x is that of the estimate before it is limited.
		for j, x := range r.X {
			r.X[j] = (x - denoised[j]) * slope
		}
		bound(d.limit, denoised, r.Batch)
		for j, x0 := range denoised {
			r.X[j] += x0 + T(noise[j])*g
		}
		r.jump(to, r.Sigmas[i+1])
	})
}

// ddpm is the sampler of Ho et al. 2020 as diffusers has it.
type ddpm struct {
	limit limit
	large bool // of the two variances of the noise, that of a step from x0 alone
}

func ddpmMethod(c *Config, _ *training, _ int) method {
	d := ddpm{c.limit(), or(c.VarianceType, "") == "fixed_large"}
	return method{
		takesEta | takesSNoise, func(ctx context.Context, r *Run[float32]) error { return ddpmSteps(ctx, r, d) },
		func(ctx context.Context, r *Run[float64]) error { return ddpmSteps(ctx, r, d) },
	}
}

func ddpmSteps[T Float](ctx context.Context, r *Run[T], d ddpm) error {
	r.limit = d.limit
	eta := r.eta(1)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		down, up := ancestral(from, to, eta)
		clear(noise)
		if d.large {
			// The root of beta of this step, in the samplers' space.
			up = eta * math.Sqrt((from*from-to*to)/(1+from*from)) * math.Sqrt(1+to*to)
		}
		if eta == 0 || r.Timesteps[i] == 0 {
			up = 0
		} else {
			r.Noise.Normal(noise)
		}
		r.descend(denoised, down/from)
		g := T(up * r.sNoise())
		for j, n := range noise {
			r.X[j] += T(n) * g
		}
	})
}
