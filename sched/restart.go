package sched

import (
	"context"
	"fmt"
	"math"
)

// Restart goes back up: when a run has come down to the level nearest to Min,
// noise raises it to the one nearest to Max, and Steps of Karras's spacing lead
// down again. This is done Times times.
type Restart struct {
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	Steps int     `json:"steps"`
	Times int     `json:"times"`
}

// mostRestarts bounds the work that a restart can ask for.
const mostRestarts = 1000

// Check returns an error that says what is wrong with it. A nil Restart is
// valid.
func (v *Restart) Check() error {
	if fault := v.Fault(); fault != "" {
		return fmt.Errorf("sched: Restart %s", fault)
	}
	return nil
}

// Fault says what is wrong with it. It is "" for a valid or nil Restart.
func (v *Restart) Fault() string {
	if v == nil || v.Min > 0 && v.Max >= v.Min && v.Max <= math.MaxFloat32 && min(v.Steps, mostRestarts-v.Steps) > 0 && min(v.Times, mostRestarts-v.Times) >= 0 {
		return ""
	}
	return fmt.Sprintf("is from %g to %g, %d times %d steps, want levels above 0, rising, 1 step or more and less than %d of each", v.Min, v.Max, v.Times, v.Steps, mostRestarts)
}

// defaultRestart goes from 0.1 up to 2, as is usual for latent models: a quarter
// of the steps again, twice from 36 steps on.
func defaultRestart(steps int) Restart {
	times := 1
	if steps >= 36 {
		times = 2
	}
	return Restart{Min: 0.1, Max: 2, Steps: max(2, steps/4), Times: times}
}

// restartOf returns a run's restart, and the indices of the levels that it goes up
// from and to. Where there are none for it they are equal.
func restartOf[T Float](r *Run[T]) (restart Restart, bottom, top int) {
	restart = defaultRestart(len(r.Sigmas) - 1)
	if r.Restart != nil {
		restart = *r.Restart
	}
	bottom, top = closest(r.Sigmas, restart.Min), closest(r.Sigmas, restart.Max)
	if top >= bottom || r.Sigmas[bottom] == 0 {
		return restart, 0, 0
	}
	return restart, bottom, top
}

// restartsNothing returns an error for a run that RestartHeun would never take up again.
func restartsNothing[T Float](r *Run[T]) error {
	restart, bottom, top := restartOf(r)
	if bottom != top {
		return nil
	}
	return fmt.Errorf("sched: restart would restart nothing: in a run of %d steps no level near %g comes after one near %g; want more steps, a restart between other levels, or the sampler heun",
		len(r.Sigmas)-1, restart.Min, restart.Max)
}

// RestartHeun is restart sampling (Xu et al. 2023, algorithm 1) with Heun's
// steps. It takes the denoiser's calls of the restart beside those of the schedule.
// A run without levels for the restart is Heun's alone; a Sampler's Check refuses it.
func RestartHeun[T Float](ctx context.Context, r *Run[T]) error {
	if err := r.needsNoise(1); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	h, again, noise := newHeun(r), make([]T, len(r.X)), make([]float32, len(r.X))
	restart, bottom, top := restartOf(r)
	return r.evaluations(ctx, func(i int, denoised []T) error {
		if err := h.step(ctx, i, denoised, r.Sigmas[i], r.Sigmas[i+1]); err != nil {
			return err
		}
		if i+1 != bottom || top >= bottom {
			return nil
		}
		low, high := r.Sigmas[bottom], r.Sigmas[top]
		levels := karras(low, high, restart.Steps+1)
		for range restart.Times {
			r.Noise.Normal(noise)
			g := T(math.Sqrt(high*high-low*low) * r.sNoise())
			for j := range r.X {
				r.X[j] += T(noise[j]) * g
			}
			for k := range restart.Steps {
				if err := r.evaluate(ctx, again, r.X, levels[k], i); err != nil {
					return err
				}
				if err := h.step(ctx, i, again, levels[k], levels[k+1]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// closest returns the index of the level closest to a sigma.
func closest(sigmas []float64, sigma float64) int {
	best := 0
	for i, s := range sigmas {
		if math.Abs(s-sigma) < math.Abs(sigmas[best]-sigma) {
			best = i
		}
	}
	return best
}
