package sched

import (
	"context"
	"math"
)

// DPM2 takes the slope in the middle of a step, in log sigma (Karras et al.
// 2022, algorithm 2, after DPM-Solver-2 of Lu et al. 2022).
func DPM2[T Float](ctx context.Context, r *Run[T]) error {
	step := newMidpoint(r)
	return r.churned(ctx, func(i int, from float64, denoised []T) error {
		return step.step(ctx, i, denoised, from, r.Sigmas[i+1])
	})
}

// DPM2Ancestral is DPM2 with ancestral steps, as k-diffusion has it.
func DPM2Ancestral[T Float](ctx context.Context, r *Run[T]) error {
	step := newMidpoint(r)
	return r.ancestralSteps(ctx, r.eta(1), ancestral, step.to)
}

// midpoint is the step of DPM2.
type midpoint[T Float] struct {
	r            *Run[T]
	x, denoised2 []T
}

func newMidpoint[T Float](r *Run[T]) *midpoint[T] {
	return &midpoint[T]{r, make([]T, len(r.X)), make([]T, len(r.X))}
}

func (m *midpoint[T]) to(ctx context.Context, i int, denoised []T, to float64) error {
	return m.step(ctx, i, denoised, m.r.Sigmas[i], to)
}

func (m *midpoint[T]) step(ctx context.Context, i int, denoised []T, from, to float64) error {
	r := m.r
	if to == 0 {
		r.eulerStep(denoised, from, to)
		return nil
	}
	middle := math.Sqrt(from * to)
	for j, v := range r.X {
		m.x[j] = v + (v-denoised[j])/T(from)*T(middle-from)
	}
	if err := r.evaluate(ctx, m.denoised2, m.x, middle, i); err != nil {
		return err
	}
	for j, v := range r.X {
		r.X[j] = v + (m.x[j]-m.denoised2[j])/T(middle)*T(to-from)
	}
	return nil
}

// kdpm2Ancestral is DPM2Ancestral with the split of a step in float32, in which
// the reference has it: if a step is long, little of it is left.
func kdpm2Ancestral[T Float](ctx context.Context, r *Run[T]) error {
	step := newMidpoint(r)
	return r.ancestralSteps(ctx, r.eta(1), ancestral32, step.to)
}
