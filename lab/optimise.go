package lab

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/df65613c/easel/sched"
)

// Optimise chooses noise levels for a number of steps out of a fine list, for
// Euler's method to follow the model's own path: those whose local errors, each
// the distance from the path at the end of a step that begins on it, have the
// least sum, where each step's counts growth times as much as that of the step
// before. That is the schedule of Chen et al., On the Trajectory Regularity of
// ODE-based Diffusion Sampling (GITS), 2024, found by dynamic programming; they
// take a growth of about 1.15. The path is Heun's along the fine levels, the first
// and last of which stay.
func Optimise(ctx context.Context, m Model, fine []float64, steps int, growth float64) ([]float64, error) {
	last := len(fine) - 1
	if !(growth > 0 && growth <= 10) {
		return nil, fmt.Errorf("lab: growth %g, want a number above 0, at most 10", growth)
	}
	if steps < 1 || steps > last {
		return nil, fmt.Errorf("lab: %d steps out of %d levels, want 1 to %d", steps, len(fine), last)
	}
	states, denoised, err := path(ctx, m, fine)
	if err != nil {
		return nil, err
	}
	// best[j] is the least sum of a way to level j, and came[k][j] the level before j
	// on the one of k+1 steps.
	best := make([]float64, len(fine))
	for j := range best {
		best[j] = math.Inf(1)
	}
	best[0] = 0
	errors := make([][]float64, last)
	for i := range errors {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		errors[i] = make([]float64, len(fine))
		for j := i + 1; j <= last; j++ {
			errors[i][j] = eulerError(states[i], denoised[i], states[j], fine[j]/fine[i])
		}
	}
	came := make([][]int, steps)
	weight := 1.0
	for k := range came {
		next := make([]float64, len(fine))
		came[k] = make([]int, len(fine))
		for j := range next {
			next[j] = math.Inf(1)
			for i := range min(j, last) {
				if sum := best[i] + weight*errors[i][j]; sum < next[j] {
					next[j], came[k][j] = sum, i
				}
			}
		}
		best, weight = next, weight*growth
	}
	levels := []float64{fine[last]}
	for k, j := steps-1, last; k >= 0; k-- {
		j = came[k][j]
		levels = append(levels, fine[j])
	}
	slices.Reverse(levels)
	return levels, nil
}

// path returns the states of Heun's method at noise levels, and the estimates of
// x0 at all of them but the last.
func path(ctx context.Context, m Model, levels []float64) (states, denoised [][]float32, err error) {
	heun, err := sched.SamplerNamed("heun")
	if err != nil {
		return nil, nil, err
	}
	x := start(m, levels[0])
	states = [][]float32{slices.Clone(x)}
	record := hooked(plain(heun), func(r *sched.Run[float32]) {
		r.OnStep = func(_ int, x, estimate []float32) error {
			states, denoised = append(states, slices.Clone(x)), append(denoised, slices.Clone(estimate))
			return nil
		}
	})
	err = m.Run(ctx, record, x, levels)
	return states, denoised, err
}

// eulerError is how far Euler's step to ratio times the noise level ends from
// where the path is there.
func eulerError(x, denoised, end []float32, ratio float64) float64 {
	sum := 0.0
	for i, v := range x {
		d := float64(denoised[i])
		off := d + (float64(v)-d)*ratio - float64(end[i])
		sum += off * off
	}
	return math.Sqrt(sum)
}
