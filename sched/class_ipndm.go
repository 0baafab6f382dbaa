package sched

import (
	"context"
	"math"
)

// IPNDMScheduler has levels and times of its own: it tells the model 0 to 1 and
// takes its output for v (Liu et al. 2022; k-diffusion's first version).

// ipndmAngles returns the share of noise at each of so many steps and their end,
// 1 first, and that of x0.
func ipndmAngles(steps int) (sigmas, alphas []float64) {
	at := make([]float32, steps+1)
	linspace32(at, 1, 0)
	at[steps] = 0
	for _, v := range at {
		s := float32(math.Sin(float64(float32(v*math.Pi) / 2)))
		beta := s * s
		sigmas = append(sigmas, float64(beta))
		alphas = append(alphas, float64(float32(math.Sqrt(float64(1-beta*beta)))))
	}
	return sigmas, alphas
}

// ipndmNone stands for no share of x0.
const ipndmNone = 1e-8

func ipndmLevels(_ *Config, _ *training, steps int) (levels, times []float64, err error) {
	sigmas, alphas := ipndmAngles(steps)
	for i, s := range sigmas {
		levels = append(levels, s/max(alphas[i], ipndmNone))
		if i < steps {
			times = append(times, float64(float32(float32(math.Atan2(s, alphas[i]))/math.Pi*2)))
		}
	}
	return levels, times, nil
}

func ipndmMethod(*Config, *training, int) method {
	return method{0, ipndmSteps[float32], ipndmSteps[float64]}
}

func ipndmSteps[T Float](ctx context.Context, r *Run[T]) error {
	slopes, mean := newSlopes(r), make([]T, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		slopes.push(denoised, from)
		clear(mean)
		for k, c := range adamsBashforth[min(i, len(slopes.last)-1)] {
			for j, v := range slopes.last[k] {
				mean[j] += T(c) * v
			}
		}
		none := from >= 1/ipndmNone // noise alone, where diffusers takes 0 for x0
		for j, x := range r.X {
			x0 := x - T(from)*mean[j]
			if none {
				x0 = 0
			}
			r.X[j] = x0 + T(to)*mean[j]
		}
	})
}
