package sched

import (
	"context"
	"fmt"
	"math"
)

// pndm is the pseudo numerical method of Liu et al. 2022 as diffusers has it: in
// variance-preserving space, by whole training timesteps, with Runge-Kutta steps
// first unless they are skipped. It evaluates the model at timesteps that its
// state need not belong to.
type pndm struct {
	t      *training
	stride int // in training timesteps
	end    float64
	prk    []int // timesteps of the Runge-Kutta steps, four a step
	v      bool  // the model predicts v, of which several are averaged
}

func pndmMethod(c *Config, t *training, steps int) method {
	p := pndm{t: t, stride: c.TrainTimesteps / steps, end: c.lastLevel(t), v: c.PredictionType == string(VPrediction)}
	p.prk, _ = c.pndmTimes(steps)
	return method{
		0, func(ctx context.Context, r *Run[float32]) error { return pndmSteps(ctx, r, p) },
		func(ctx context.Context, r *Run[float64]) error { return pndmSteps(ctx, r, p) },
	}
}

// pndmTimes returns the timesteps of the Runge-Kutta steps and those of the
// linear multistep method.
func (c *Config) pndmTimes(steps int) (prk, plms []int) {
	times := c.spaced(steps, steps, c.TrainTimesteps)
	n := len(times)
	if c.SkipPRK {
		for i, time := range times {
			plms = append(plms, int(time))
			if i == 1 {
				plms = append(plms, int(time)) // the first step takes a second look
			}
		}
		return nil, plms
	}
	half := c.TrainTimesteps / steps / 2
	var points []int
	for k := range min(4, n) {
		points = append(points, int(times[k])+half, int(times[k]))
	}
	points = points[1:]
	for i, p := range points {
		prk = append(prk, p)
		if i > 0 && i < len(points)-1 {
			prk = append(prk, p)
		}
	}
	for _, time := range times[min(3, n):] {
		plms = append(plms, int(time))
	}
	return prk, plms
}

// pndmLevels are those of every timestep that the model is told, of which a
// Runge-Kutta step has four.
func pndmLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	if steps < 4 && !c.SkipPRK {
		return nil, nil, fmt.Errorf("sched: %d steps beside _class_name PNDMScheduler, want 4 or more, or skip_prk_steps true", steps)
	}
	prk, plms := c.pndmTimes(steps)
	all := append(prk, plms...)
	for _, time := range all {
		times = append(times, float64(time))
	}
	return c.gridLevels(t, times, t.at(all[len(all)-1]-c.TrainTimesteps/steps, c.lastLevel(t)))
}

func pndmSteps[T Float](ctx context.Context, r *Run[T], p pndm) error {
	slopes := newSlopes(r)
	n := len(r.X)
	current, output, sum, state := make([]T, n), make([]T, n), make([]T, n), make([]T, n)
	ets := 0
	// transfer sets X to a step of latents from a timestep to another.
	transfer := func(latents []T, from, to int, output []T) {
		a, b := p.t.at(from, p.end), p.t.at(to, p.end)
		root := math.Sqrt(1 + a*a)
		for j, x := range latents {
			noise := output[j]
			if p.v { // alpha v + sigma x
				noise = (noise + T(a)*x) / T(root)
			}
			state[j] = (x*T(root) + T(b-a)*noise) / T(math.Sqrt(1+b*b))
		}
	}
	latents := make([]T, n)
	for j, x := range r.X {
		latents[j] = x / T(math.Sqrt(1+r.Sigmas[0]*r.Sigmas[0]))
	}
	return r.steps(ctx, func(i int, denoised []T) {
		sigma, time := r.Sigmas[i], int(r.Timesteps[i])
		root := T(math.Sqrt(1 + sigma*sigma))
		for j, x := range latents {
			noise := (x*root - denoised[j]) / T(sigma)
			if output[j] = noise; p.v {
				output[j] = (noise - T(sigma)*denoised[j]) / root
			}
		}
		if i < len(p.prk) {
			start := p.prk[i/4*4]
			to := time
			if i%2 == 0 {
				to = time - p.stride/2
			}
			if i%4 == 0 {
				slopes.keep(output)
				ets++
				copy(current, latents)
				clear(sum)
			}
			weight := T(1. / 3)
			if i%4 == 0 || i%4 == 3 {
				weight = 1. / 6
			}
			for j, v := range output {
				sum[j] += weight * v
			}
			slope := output
			if i%4 == 3 {
				slope = sum
			}
			transfer(current, start, to, slope)
		} else {
			from, to := time, time-p.stride
			if i == 1 {
				from, to = time+p.stride, time
				for j, v := range output {
					output[j] = (v + slopes.last[0][j]) / 2
				}
				copy(latents, current)
			} else {
				slopes.keep(output)
				ets++
				copy(current, latents)
				clear(sum)
				for k, c := range adamsBashforth[min(ets, len(slopes.last))-1] {
					for j, v := range slopes.last[k] {
						sum[j] += T(c) * v
					}
				}
				copy(output, sum)
			}
			transfer(latents, from, to, output)
		}
		copy(latents, state)
		scale := T(math.Sqrt(1 + r.Sigmas[i+1]*r.Sigmas[i+1]))
		for j, x := range latents {
			r.X[j] = x * scale
		}
	})
}
