package sched

import (
	"context"
	"math"
	"slices"
)

// LCM takes the estimate of x0 and adds noise of the next level, as latent
// consistency models are sampled (Luo et al. 2023, algorithm 3).
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

// TCD is strategic stochastic sampling of trajectory consistency models (Zheng
// et al. 2024, algorithm 4). Eta is its gamma, by default 0.3: a step
// goes down to the noise level of (1 - gamma) times the next training timestep, and
// adds fresh noise back.
func TCD[T Float](ctx context.Context, r *Run[T]) error {
	gamma := r.eta(0.3)
	if err := r.needsNoise(gamma); err != nil {
		return err
	}
	if err := r.checkLevels(); err != nil {
		return err
	}
	noise, levels, last := make([]float32, len(r.X)), r.levels(), len(r.Sigmas)-2
	return r.steps(ctx, func(i int, denoised []T) {
		to := r.Sigmas[i+1]
		down := to
		if gamma != 0 && to > 0 {
			// The reference multiplies in float32.
			time := float32(nearest(levels, to)) * float32(1-gamma)
			down = min(to, levels[int(time)])
		}
		r.eulerStep(denoised, r.Sigmas[i], down)
		if gamma == 0 || i == last {
			return
		}
		r.Noise.Normal(noise)
		g := T(math.Sqrt(max(to*to-down*down, 0)) * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
	})
}

// nearest returns the index of the rising level that is nearest to a sigma.
func nearest(levels []float64, sigma float64) int {
	i, _ := slices.BinarySearch(levels, sigma)
	if i == len(levels) || i > 0 && sigma-levels[i-1] < levels[i]-sigma {
		i--
	}
	return i
}

// consistency is the samplers of consistency models as diffusers has them.
type consistency struct {
	limit   limit
	t       *training
	scaling float64 // of timesteps, in the share of x that is kept
	last    int     // the step that adds no noise
}

// consistencyData is the deviation of data in the share of x that is kept (Luo
// et al. 2023, section 3).
const consistencyData = 0.5

func lcmMethod(c *Config, t *training, steps int) method {
	k := consistency{c.limit(), t, c.TimestepScaling, steps - 1}
	return method{
		takesSNoise, func(ctx context.Context, r *Run[float32]) error { return lcmSteps(ctx, r, k) },
		func(ctx context.Context, r *Run[float64]) error { return lcmSteps(ctx, r, k) },
	}
}

// lcmSteps is LCM with a share of x kept, which at late timesteps counts.
func lcmSteps[T Float](ctx context.Context, r *Run[T], k consistency) error {
	if err := r.needsNoise(1); err != nil {
		return err
	}
	r.limit = k.limit
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		scaled, sigma, to := r.Timesteps[i]*k.scaling, r.Sigmas[i], r.Sigmas[i+1]
		v := scaled*scaled + consistencyData*consistencyData
		skip, out := consistencyData*consistencyData/v/math.Sqrt(1+sigma*sigma), scaled/math.Sqrt(v)
		for j, x := range r.X {
			r.X[j] = T(out)*denoised[j] + T(skip)*x
		}
		if r.First+i == k.last {
			r.jump(0, to)
			return
		}
		r.Noise.Normal(noise)
		for j, x0 := range r.X {
			r.X[j] = x0 + T(to*r.sNoise())*T(noise[j])
		}
	})
}

func tcdMethod(c *Config, t *training, steps int) method {
	k := consistency{t: t, last: steps - 1}
	return method{
		takesEta | takesSNoise, func(ctx context.Context, r *Run[float32]) error { return tcdSteps(ctx, r, k) },
		func(ctx context.Context, r *Run[float64]) error { return tcdSteps(ctx, r, k) },
	}
}

// tcdSteps is TCD by training timesteps, with a gamma of 0 unless told
// otherwise: so diffusers' pipelines call it.
func tcdSteps[T Float](ctx context.Context, r *Run[T], k consistency) error {
	gamma := r.eta(0)
	if err := r.needsNoise(gamma); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		to, next := r.Sigmas[i+1], 0
		if i+1 < len(r.Timesteps) {
			next = int(r.Timesteps[i+1])
		}
		down := k.t.at(int(float32(next)*float32(1-gamma)), 0) // the reference multiplies in float32
		r.descend(denoised, down/r.Sigmas[i])
		if gamma == 0 || r.First+i == k.last {
			return
		}
		r.Noise.Normal(noise)
		g := T(math.Sqrt(max(to*to-down*down, 0)) * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
	})
}
