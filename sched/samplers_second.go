package sched

import (
	"context"
	"math"
)

// Heun is Heun's method of second order: the slope is averaged over both ends
// of a step (Karras et al. 2022, algorithm 1). Two evaluations a step, one at the last.
func Heun[T Float](ctx context.Context, r *Run[T]) error {
	h := newHeun(r)
	return r.churned(ctx, func(i int, from float64, denoised []T) error {
		return h.step(ctx, i, denoised, from, r.Sigmas[i+1])
	})
}

// heun is the step of Heun.
type heun[T Float] struct {
	r            *Run[T]
	x, denoised2 []T
}

func newHeun[T Float](r *Run[T]) *heun[T] {
	return &heun[T]{r, make([]T, len(r.X)), make([]T, len(r.X))}
}

func (h *heun[T]) step(ctx context.Context, i int, denoised []T, from, to float64) error {
	r := h.r
	if to == 0 {
		r.eulerStep(denoised, from, to)
		return nil
	}
	dt := T(to - from)
	for j, v := range r.X {
		h.x[j] = v + (v-denoised[j])/T(from)*dt
	}
	if err := r.evaluate(ctx, h.denoised2, h.x, to, i); err != nil {
		return err
	}
	for j, v := range r.X {
		r.X[j] = v + ((v-denoised[j])/T(from)+(h.x[j]-h.denoised2[j])/T(to))/2*dt
	}
	return nil
}

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

// DPMPP2SAncestral is the single-step solver of second order, DPM-Solver++(2S)
// (Lu et al. 2022, algorithm 1 with r = 1/2), with ancestral steps, as k-diffusion has it.
func DPMPP2SAncestral[T Float](ctx context.Context, r *Run[T]) error { return r.dpmpp2S(ctx, r.eta(1)) }

// DPMPP2S is DPMPP2SAncestral without the noise.
func DPMPP2S[T Float](ctx context.Context, r *Run[T]) error { return r.dpmpp2S(ctx, 0) }

func (r *Run[T]) dpmpp2S(ctx context.Context, eta float64) error {
	x, denoised2 := make([]T, len(r.X)), make([]T, len(r.X))
	return r.ancestralSteps(ctx, eta, ancestral, func(ctx context.Context, i int, denoised []T, to float64) error {
		from := r.Sigmas[i]
		if to == 0 {
			r.eulerStep(denoised, from, to)
			return nil
		}
		middle := math.Sqrt(from * to)
		for j, v := range r.X {
			x[j] = T(middle/from)*v + T(1-middle/from)*denoised[j]
		}
		if err := r.evaluate(ctx, denoised2, x, middle, i); err != nil {
			return err
		}
		for j, v := range r.X {
			r.X[j] = T(to/from)*v + T(1-to/from)*denoised2[j]
		}
		return nil
	})
}

// ancestralSteps takes each step further down than asked and adds fresh noise
// back, but for one down to 0.
func (r *Run[T]) ancestralSteps(ctx context.Context, eta float64, split func(from, to, eta float64) (down, up float64), step func(ctx context.Context, i int, denoised []T, to float64) error) error {
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.evaluations(ctx, func(i int, denoised []T) error {
		down, up := split(r.Sigmas[i], r.Sigmas[i+1], eta)
		if err := step(ctx, i, denoised, down); err != nil || r.Sigmas[i+1] == 0 || eta == 0 {
			return err
		}
		r.Noise.Normal(noise)
		g := T(up * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
		return nil
	})
}
