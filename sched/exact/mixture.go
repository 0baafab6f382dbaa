package exact

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/sched"
)

// Mixture is a weighted sum of round normal distributions in any dimension.
type Mixture []Component

// Component is one part of a Mixture. Weights need not sum to 1.
type Component struct {
	Weight    float64
	Mean      []float64
	Deviation float64
}

// Denoise estimates x0: the mean of it, given x.
func (m Mixture) Denoise(_ context.Context, denoised, x []float64, sigma float64) error {
	logs, highest := make([]float64, len(m)), math.Inf(-1)
	for k, c := range m {
		if len(c.Mean) != len(x) {
			return fmt.Errorf("exact: x has %d numbers, and component %d a mean of %d", len(x), k, len(c.Mean))
		}
		v, d2 := c.Deviation*c.Deviation+sigma*sigma, 0.0
		for i, mean := range c.Mean {
			d2 += (x[i] - mean) * (x[i] - mean)
		}
		logs[k] = math.Log(c.Weight) - d2/(2*v) - float64(len(x))/2*math.Log(v)
		highest = max(highest, logs[k])
	}
	sum := 0.0
	for k := range logs {
		logs[k] = math.Exp(logs[k] - highest)
		sum += logs[k]
	}
	clear(denoised)
	for k, c := range m {
		p, c2, s2 := logs[k]/sum, c.Deviation*c.Deviation, sigma*sigma
		for i, mean := range c.Mean {
			denoised[i] += p * (x[i]*c2 + mean*s2) / (c2 + s2)
		}
	}
	return nil
}

// mixtureSteps per unit of log sigma bring Solve's error below 1e-11 for
// components that are not far narrower than the lower noise level.
const mixtureSteps = 800

// Solve moves x along the probability-flow ODE from one noise level to another
// above 0, by the classical method of Runge and Kutta in log sigma, in steps so
// small that rounding is what is left.
func (m Mixture) Solve(x []float64, from, to float64) error {
	if !(from > 0 && to > 0) || math.IsInf(from+to, 0) {
		return fmt.Errorf("exact: noise levels %g and %g, want numbers above 0", from, to)
	}
	length := math.Log(to / from)
	n := max(1, int(math.Ceil(math.Abs(length)*mixtureSteps)))
	h := length / float64(n)
	k, at, sum := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	for step := range n {
		copy(at, x)
		clear(sum)
		for _, stage := range [4]struct{ time, next, weight float64 }{{0, 0.5, 1}, {0.5, 0.5, 2}, {0.5, 1, 2}, {1, 0, 1}} {
			sigma := from * math.Exp(h*(float64(step)+stage.time))
			if err := m.Denoise(context.Background(), k, at, sigma); err != nil {
				return err
			}
			for i := range x {
				slope := at[i] - k[i]
				sum[i] += stage.weight * slope
				at[i] = x[i] + stage.next*h*slope
			}
		}
		for i := range x {
			x[i] += h / 6 * sum[i]
		}
	}
	return nil
}

var _ sched.Denoise[float64] = Mixture{}.Denoise
