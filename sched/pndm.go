package sched

import (
	"context"
	"fmt"
	"math"
)

// adamsBashforth are the coefficients of Adams and Bashforth for even steps, by
// order, newest slope first.
var adamsBashforth = [...][]float64{{1}, {3. / 2, -1. / 2}, {23. / 12, -16. / 12, 5. / 12},
	{55. / 24, -59. / 24, 37. / 24, -9. / 24}}

// IPNDM is the improved pseudo numerical method (Liu et al. 2022; Zhang and
// Chen 2022, section 3.4): the multistep method (Adams-Bashforth) of fourth
// order for equal steps, on the slopes in sigma. The first steps are of lower
// order.
func IPNDM[T Float](ctx context.Context, r *Run[T]) error {
	slopes := newSlopes(r)
	return r.steps(ctx, func(i int, denoised []T) { slopes.step(i, denoised) })
}

// PLMS is the pseudo linear multistep method (Liu et al. 2022, algorithm 2
// without Runge-Kutta steps, as latent diffusion and diffusers have it): IPNDM after a first
// step of Heun's.
func PLMS[T Float](ctx context.Context, r *Run[T]) error {
	slopes, first := newSlopes(r), newHeun(r)
	return r.evaluations(ctx, func(i int, denoised []T) error {
		if i > 0 {
			slopes.step(i, denoised)
			return nil
		}
		slopes.push(denoised, r.Sigmas[0])
		return first.step(ctx, 0, denoised, r.Sigmas[0], r.Sigmas[1])
	})
}

// slopes are the last slopes in sigma of a run, the newest first.
type slopes[T Float] struct {
	r    *Run[T]
	last [len(adamsBashforth)][]T
}

func newSlopes[T Float](r *Run[T]) *slopes[T] {
	s := &slopes[T]{r: r}
	for k := range s.last {
		s.last[k] = make([]T, len(r.X))
	}
	return s
}

// push keeps the slope of an estimate of x0.
func (s *slopes[T]) push(denoised []T, sigma float64) {
	newest := s.next()
	for j, x := range s.r.X {
		newest[j] = (x - denoised[j]) / T(sigma)
	}
}

// keep keeps a slope.
func (s *slopes[T]) keep(slope []T) { copy(s.next(), slope) }

// next returns the place of a new slope, which was the oldest's.
func (s *slopes[T]) next() []T {
	newest := s.last[len(s.last)-1]
	copy(s.last[1:], s.last[:])
	s.last[0] = newest
	return newest
}

func (s *slopes[T]) step(i int, denoised []T) {
	from, to := s.r.Sigmas[i], s.r.Sigmas[i+1]
	s.push(denoised, from)
	for k, c := range adamsBashforth[min(i, len(s.last)-1)] {
		f := T(c * (to - from))
		for j, d := range s.last[k] {
			s.r.X[j] += f * d
		}
	}
}

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
	run := newPNDMRun(r, p)
	return r.steps(ctx, func(i int, denoised []T) {
		run.predict(r.Sigmas[i], denoised)
		time := int(r.Timesteps[i])
		if i < len(p.prk) {
			run.rungeKutta(i, time)
		} else {
			run.multistep(i, time)
		}
		copy(run.latents, run.state)
		scale := T(math.Sqrt(1 + r.Sigmas[i+1]*r.Sigmas[i+1]))
		for j, x := range run.latents {
			r.X[j] = x * scale
		}
	})
}

// pndmRun is the state of a run of pndmSteps. latents are in variance-preserving
// space; output is the network's at them.
type pndmRun[T Float] struct {
	pndm
	slopes                               *slopes[T]
	latents, current, output, sum, state []T
	ets                                  int // slopes that were kept
}

func newPNDMRun[T Float](r *Run[T], p pndm) *pndmRun[T] {
	made := func() []T { return make([]T, len(r.X)) }
	run := &pndmRun[T]{p, newSlopes(r), made(), made(), made(), made(), made(), 0}
	for j, x := range r.X {
		run.latents[j] = x / T(math.Sqrt(1+r.Sigmas[0]*r.Sigmas[0]))
	}
	return run
}

// predict sets the network's output from its estimate of x0.
func (run *pndmRun[T]) predict(sigma float64, denoised []T) {
	root := T(math.Sqrt(1 + sigma*sigma))
	for j, x := range run.latents {
		noise := (x*root - denoised[j]) / T(sigma)
		if run.output[j] = noise; run.v {
			run.output[j] = (noise - T(sigma)*denoised[j]) / root
		}
	}
}

// keep keeps the output as a slope, and begins a step at the latents.
func (run *pndmRun[T]) keep() {
	run.slopes.keep(run.output)
	run.ets++
	copy(run.current, run.latents)
	clear(run.sum)
}

// rungeKutta makes one of the four parts of a Runge-Kutta step.
func (run *pndmRun[T]) rungeKutta(i, time int) {
	start, to := run.prk[i/4*4], time
	if i%2 == 0 {
		to = time - run.stride/2
	}
	if i%4 == 0 {
		run.keep()
	}
	weight := T(1. / 3)
	if i%4 == 0 || i%4 == 3 {
		weight = 1. / 6
	}
	for j, v := range run.output {
		run.sum[j] += weight * v
	}
	slope := run.output
	if i%4 == 3 {
		slope = run.sum
	}
	run.transfer(run.current, start, to, slope)
}

// multistep makes a step from the slopes so far. The second step goes from the start
// of the first one again, with the mean of both slopes.
func (run *pndmRun[T]) multistep(i, time int) {
	from, to := time, time-run.stride
	if i == 1 {
		from, to = time+run.stride, time
		for j, v := range run.output {
			run.output[j] = (v + run.slopes.last[0][j]) / 2
		}
		copy(run.latents, run.current)
	} else {
		run.keep()
		for k, c := range adamsBashforth[min(run.ets, len(run.slopes.last))-1] {
			for j, v := range run.slopes.last[k] {
				run.sum[j] += T(c) * v
			}
		}
		copy(run.output, run.sum)
	}
	run.transfer(run.latents, from, to, run.output)
}

// transfer sets state to a step of latents from a timestep to another.
func (run *pndmRun[T]) transfer(latents []T, from, to int, output []T) {
	a, b := run.t.at(from, run.end), run.t.at(to, run.end)
	root := math.Sqrt(1 + a*a)
	for j, x := range latents {
		noise := output[j]
		if run.v { // alpha v + sigma x
			noise = (noise + T(a)*x) / T(root)
		}
		run.state[j] = (x*T(root) + T(b-a)*noise) / T(math.Sqrt(1+b*b))
	}
}

// IPNDMScheduler has levels and times of its own: it tells the model 0 to 1 and
// takes its output for v (Liu et al. 2022; k-diffusion's first version).

// ipndmAngles returns the share of noise at each of a number of steps and their end,
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
