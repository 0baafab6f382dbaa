package exact

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/sched"
)

// Gaussian is a normal distribution with independent coordinates.
type Gaussian struct{ Mean, Deviation []float64 }

// Denoise estimates x0: the mean of it, given x.
func (g Gaussian) Denoise(_ context.Context, denoised, x []float64, sigma float64) error {
	if err := g.check(x); err != nil {
		return err
	}
	s2 := sigma * sigma
	for i, v := range x {
		c2 := g.Deviation[i] * g.Deviation[i]
		denoised[i] = (v*c2 + g.Mean[i]*s2) / (c2 + s2)
	}
	return nil
}

// Solve moves x along the probability-flow ODE from one noise level to another, in closed form.
func (g Gaussian) Solve(x []float64, from, to float64) error {
	if err := g.check(x); err != nil {
		return err
	}
	for i, v := range x {
		c := g.Deviation[i]
		x[i] = g.Mean[i] + (v-g.Mean[i])*math.Hypot(c, to)/math.Hypot(c, from)
	}
	return nil
}

func (g Gaussian) check(x []float64) error {
	if len(g.Mean) != len(x) || len(g.Deviation) != len(x) {
		return fmt.Errorf("exact: x has %d numbers, and the distribution %d means and %d deviations", len(x),
			len(g.Mean), len(g.Deviation))
	}
	return nil
}

var _ sched.Denoise[float64] = Gaussian{}.Denoise
