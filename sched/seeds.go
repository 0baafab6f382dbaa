package sched

import (
	"context"
	"math"
)

// seedsPoint is a point of a step in log sigma: where it is, 1 at the end, and what
// the estimates so far weigh there. h is the length of the step, 1 + eta times.
type seedsPoint struct {
	at      float64
	weights func(h float64) [3]float64
}

// seedsOne and seedsTwo are the integrals of the kernel over a share of a step, of
// a constant and of a line from 0 to that share.
func seedsOne(h float64) float64 { return -math.Expm1(-h) }
func seedsTwo(h float64) float64 { return 1 - seedsOne(h)/h }

// The points of SEEDS-2, of SEEDS-3 and of the exponential method of Heun.
var (
	seeds2Points = []seedsPoint{
		{0.5, func(h float64) [3]float64 { return [3]float64{seedsOne(h / 2)} }},
		{1, func(h float64) [3]float64 { return [3]float64{0, seedsOne(h)} }},
	}
	seeds3Points = []seedsPoint{
		{1.0 / 3, func(h float64) [3]float64 { return [3]float64{seedsOne(h / 3)} }},
		{2.0 / 3, func(h float64) [3]float64 {
			line := 2 * seedsTwo(2*h/3)
			return [3]float64{seedsOne(2*h/3) - line, line}
		}},
		{1, func(h float64) [3]float64 {
			line := 1.5 * seedsTwo(h)
			return [3]float64{seedsOne(h) - line, 0, line}
		}},
	}
	expHeunPoints = []seedsPoint{
		{1, func(h float64) [3]float64 { return [3]float64{seedsOne(h)} }},
		{1, func(h float64) [3]float64 { return [3]float64{seedsOne(h) - seedsTwo(h), seedsTwo(h)} }},
	}
)

// SEEDS2 is the exponential single-step solver of the diffusion SDE of two stages
// (Gonzalez et al. 2023), on estimates of x0.
func SEEDS2[T Float](ctx context.Context, r *Run[T]) error { return r.seeds(ctx, 1, seeds2Points) }

// SEEDS3 is SEEDS2 with three stages.
func SEEDS3[T Float](ctx context.Context, r *Run[T]) error { return r.seeds(ctx, 1, seeds3Points) }

// ExponentialHeun is the exponential method of Runge and Kutta of second order that
// evaluates both ends of a step; ExponentialHeunSDE adds noise.
func ExponentialHeun[T Float](ctx context.Context, r *Run[T]) error {
	return r.seeds(ctx, 0, expHeunPoints)
}

// ExponentialHeunSDE is SEEDS with both stages at the ends of a step.
func ExponentialHeunSDE[T Float](ctx context.Context, r *Run[T]) error {
	return r.seeds(ctx, 1, expHeunPoints)
}

// seeds goes from point to point of each step, and takes the noise of one along to
// the next. A last step to 0 takes the estimate.
func (r *Run[T]) seeds(ctx context.Context, eta float64, points []seedsPoint) error {
	eta = r.eta(eta)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	x, drawn, noise := make([]T, len(r.X)), make([]float32, len(r.X)), make([]T, len(r.X))
	var stages [3][]T
	for k := range stages {
		stages[k] = make([]T, len(r.X))
	}
	return r.evaluations(ctx, func(i int, denoised []T) error {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		copy(stages[0], denoised)
		if to == 0 {
			copy(r.X, denoised)
			return nil
		}
		if still(from, to) {
			return nil
		}
		h := math.Log(from / to)
		clear(noise)
		at := 0.0
		for k, p := range points {
			sigma := from * math.Exp(-p.at*h)
			if p.at == 1 {
				sigma = to
			}
			if eta > 0 {
				r.Noise.Normal(drawn)
				keep, fresh := T(math.Exp((at-p.at)*h*eta)), T(math.Sqrt(-math.Expm1(2*(at-p.at)*h*eta)))
				for j := range noise {
					noise[j] = keep*noise[j] + fresh*T(drawn[j])
				}
				at = p.at
			}
			w := p.weights(h * (1 + eta))
			keep, g := T(math.Exp(-p.at*h*(1+eta))), T(sigma*r.sNoise())
			a, b, c := T(w[0]), T(w[1]), T(w[2])
			for j, v := range r.X {
				x[j] = keep*v + a*stages[0][j] + b*stages[1][j] + c*stages[2][j] + g*noise[j]
			}
			if k == len(points)-1 {
				break
			}
			if err := r.evaluate(ctx, stages[k+1], x, sigma, i); err != nil {
				return err
			}
		}
		copy(r.X, x)
		return nil
	})
}
