package sched

import (
	"context"
	"math"
	"slices"
	"sync"
)

// trainingLevels are the noise levels of SDXL's timesteps.
var trainingLevels = sync.OnceValue(func() []float64 {
	c := DefaultConfig()
	return c.trainingLevels()
})

// trainingLevels returns the noise levels of the training timesteps, from low to high.
func (c *Config) trainingLevels() []float64 {
	if c.isEDM() {
		levels := c.edmSigmas(c.TrainTimesteps)
		slices.Reverse(levels)
		return levels
	}
	var levels []float64
	for _, a := range c.alphasCumprod() {
		levels = append(levels, math.Sqrt((1-float64(a))/float64(a)))
	}
	return levels
}

// levelsUnlike returns the noise levels of the training timesteps, or nil if
// they are these.
func (c *Config) levelsUnlike(these []float64) []float64 {
	if levels := c.trainingLevels(); !slices.Equal(levels, these) {
		return levels
	}
	return nil
}

// levels returns Levels, or SDXL's.
func (r *Run[T]) levels() []float64 {
	if r.Levels == nil {
		return trainingLevels()
	}
	return r.Levels
}

// TCD is strategic stochastic sampling of trajectory consistency models (Zheng
// et al. 2024, algorithm 4). Eta is its gamma, 0.3 unless told otherwise: a step
// goes down to the noise level of (1 - gamma) times the next training timestep, and
// adds fresh noise back.
func TCD[T Float](ctx context.Context, r *Run[T]) error {
	gamma := r.eta(0.3)
	if err := r.needsNoise(gamma); err != nil {
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
