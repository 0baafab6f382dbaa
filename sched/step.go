package sched

import "slices"

// StepAt returns the step, from 0, that a noise level of a run belongs to: the
// last one that begins at it or above.
func StepAt(sigmas []float64, sigma float64) int {
	i := slices.IndexFunc(sigmas, func(s float64) bool { return s < sigma })
	if i < 0 {
		i = len(sigmas) - 1
	}
	return min(max(i-1, 0), len(sigmas)-2)
}
