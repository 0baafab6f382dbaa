package sched

import (
	"context"
	"math"
)

// ExponentialRK4 is the exponential method of Runge and Kutta of stiff order
// four, of five stages (Hochbruck and Ostermann 2005, "Explicit exponential
// Runge-Kutta methods for semilinear parabolic problems", equation 5.19), in log sigma on
// estimates of x0. Five evaluations a step, one at a last step to 0.
func ExponentialRK4[T Float](ctx context.Context, r *Run[T]) error {
	x := make([]T, len(r.X))
	var stages [5][]T
	for k := range stages {
		stages[k] = make([]T, len(r.X))
	}
	// point sets dst to x at a share of the step, by the stages so far.
	point := func(dst []T, h, share float64, weights [5]float64) {
		keep := T(math.Exp(-share * h))
		var w [5]T
		for k, v := range weights {
			w[k] = T(h * v)
		}
		for j, v := range r.X {
			dst[j] = keep*v + w[0]*stages[0][j] + w[1]*stages[1][j] + w[2]*stages[2][j] + w[3]*stages[3][j] + w[4]*stages[4][j]
		}
	}
	return r.evaluations(ctx, func(i int, denoised []T) error {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if to == 0 {
			copy(r.X, denoised)
			return nil
		}
		copy(stages[0], denoised)
		h := math.Log(from / to)
		tableau, last := stiffRK4(h)
		for k, t := range tableau {
			point(x, h, t.at, t.weights)
			if err := r.evaluate(ctx, stages[k+1], x, from*math.Exp(-t.at*h), i); err != nil {
				return err
			}
		}
		point(r.X, h, 1, last)
		return nil
	})
}

// rkStage is a point of a step and the weights of the stages before it.
type rkStage struct {
	at      float64
	weights [5]float64
}

func stiffRK4(h float64) (stages [4]rkStage, last [5]float64) {
	half1, half2, half3 := phi(1, h/2), phi(2, h/2), phi(3, h/2)
	one1, one2, one3 := phi(1, h), phi(2, h), phi(3, h)
	a := half2/2 - one3 + one2/4 - half3/2
	b := half2/4 - a
	return [4]rkStage{
		{0.5, [5]float64{half1 / 2}},
		{0.5, [5]float64{half1/2 - half2, half2}},
		{1, [5]float64{one1 - 2*one2, one2, one2}},
		{0.5, [5]float64{half1/2 - 2*a - b, a, a, b}},
	}, [5]float64{one1 - 3*one2 + 4*one3, 0, 0, -one2 + 4*one3, 4*one2 - 8*one3}
}
