package sched

import "context"

// adamsBashforth are the coefficients of Adams and Bashforth for even steps, by
// order, newest slope first.
var adamsBashforth = [...][]float64{{1}, {3. / 2, -1. / 2}, {23. / 12, -16. / 12, 5. / 12}, {55. / 24, -59. / 24, 37. / 24, -9. / 24}}

// IPNDM is the improved pseudo numerical method (Liu et al. 2022; Zhang and
// Chen 2022, section 3.4): the multistep method of fourth order for even steps on
// the slopes in sigma, of lower order while there are fewer.
func IPNDM[T Float](ctx context.Context, r *Run[T]) error {
	slopes := newSlopes(r)
	return r.steps(ctx, func(i int, denoised []T) { slopes.step(i, denoised) })
}

// PLMS is the pseudo linear multistep method (Liu et al. 2022, algorithm 2
// without Runge-Kutta steps, as latent diffusion and diffusers have it): IPNDM after a first
// step of Heun's.
func PLMS[T Float](ctx context.Context, r *Run[T]) error {
	slopes, first := newSlopes(r), newHeun(r)
	return r.evaluations(ctx, func(i int, denoised []T) error {
		if i > 0 {
			slopes.step(i, denoised)
			return nil
		}
		slopes.push(denoised, r.Sigmas[0])
		return first.step(ctx, 0, denoised, r.Sigmas[0], r.Sigmas[1])
	})
}

// slopes are the last slopes in sigma of a run, the newest first.
type slopes[T Float] struct {
	r    *Run[T]
	last [len(adamsBashforth)][]T
}

func newSlopes[T Float](r *Run[T]) *slopes[T] {
	s := &slopes[T]{r: r}
	for k := range s.last {
		s.last[k] = make([]T, len(r.X))
	}
	return s
}

// push keeps the slope of an estimate of x0.
func (s *slopes[T]) push(denoised []T, sigma float64) {
	newest := s.next()
	for j, x := range s.r.X {
		newest[j] = (x - denoised[j]) / T(sigma)
	}
}

// keep keeps a slope.
func (s *slopes[T]) keep(slope []T) { copy(s.next(), slope) }

// next returns the place of a new slope, which was the oldest's.
func (s *slopes[T]) next() []T {
	newest := s.last[len(s.last)-1]
	copy(s.last[1:], s.last[:])
	s.last[0] = newest
	return newest
}

func (s *slopes[T]) step(i int, denoised []T) {
	from, to := s.r.Sigmas[i], s.r.Sigmas[i+1]
	s.push(denoised, from)
	for k, c := range adamsBashforth[min(i, len(s.last)-1)] {
		f := T(c * (to - from))
		for j, d := range s.last[k] {
			s.r.X[j] += f * d
		}
	}
}

// LCM takes the estimate for the result and adds noise of the next level, as
// latent consistency models are sampled (Luo et al. 2023, algorithm 3).
func LCM[T Float](ctx context.Context, r *Run[T]) error {
	if err := r.needsNoise(1); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		copy(r.X, denoised)
		to := r.Sigmas[i+1]
		if to == 0 {
			return
		}
		r.Noise.Normal(noise)
		g := T(to * r.sNoise())
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
	})
}
