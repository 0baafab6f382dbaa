package sched

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
)

// sdxlTraining are the noise levels of SDXL's timesteps.
var sdxlTraining = sync.OnceValue(func() *training {
	c := DefaultConfig()
	t, err := c.training()
	if err != nil {
		panic(err) // its betas are numbers between 0 and 1
	}
	return t
})

// unlike returns the noise levels, or nil if they are those of another.
func (t *training) unlike(other *training) []float64 {
	if slices.Equal(t.exact, other.exact) {
		return nil
	}
	return t.exact
}

// checkLevels names what is wrong with Levels, for samplers that need them.
func (r *Run[T]) checkLevels() error {
	if r.Levels == nil || len(r.Levels) > 1 && slices.IsSorted(r.Levels) && r.Levels[0] >= 0 {
		return nil
	}
	return fmt.Errorf("sched: %d Levels, want 2 or more, from low to high", len(r.Levels))
}

// levels returns Levels, or SDXL's.
func (r *Run[T]) levels() []float64 {
	if r.Levels == nil {
		return sdxlTraining().exact
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
