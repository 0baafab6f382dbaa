package sched

import "context"

// Heun is Heun's method of second order: the slope is averaged over both ends
// of a step (Karras et al. 2022, algorithm 1). Two calls of the denoiser a step, one at the last.
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
