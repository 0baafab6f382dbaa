package sched

import (
	"context"
	"fmt"
	"math"
)

// dpmSolver takes single steps of DPM-Solver (Lu et al. 2022, algorithms 1, 2
// and 3) of first, second and third order, as k-diffusion has them.
type dpmSolver[T Float] struct {
	r               *Run[T]
	eps, eps1, eps2 []T // at the start of a step and at the points in it
	u, denoised     []T
	has1            bool // eps1 is of this step
	noise           []float32
	passed          int // steps of the schedule
}

func newDPMSolver[T Float](r *Run[T]) *dpmSolver[T] {
	n := len(r.X)
	return &dpmSolver[T]{r: r, eps: make([]T, n), eps1: make([]T, n), eps2: make([]T, n), u: make([]T, n),
		denoised: make([]T, n), noise: make([]float32, n)}
}

// slope sets eps to the noise in x at a noise level.
func (d *dpmSolver[T]) slope(ctx context.Context, eps, x []T, sigma float64) error {
	if err := d.r.evaluate(ctx, d.denoised, x, sigma, d.passed); err != nil {
		return err
	}
	for j, v := range x {
		eps[j] = (v - d.denoised[j]) / T(sigma)
	}
	return nil
}

// start evaluates the beginning of a step.
func (d *dpmSolver[T]) start(ctx context.Context, sigma float64) error {
	d.has1 = false
	return d.slope(ctx, d.eps, d.r.X, sigma)
}

// first sets dst to a step of first order.
func (d *dpmSolver[T]) first(dst []T, from, to float64) {
	a := T(to * math.Expm1(math.Log(from/to)))
	for j, x := range d.r.X {
		dst[j] = x - a*d.eps[j]
	}
}

// second sets dst to a step of second order with a point at r1 of the way.
func (d *dpmSolver[T]) second(ctx context.Context, dst []T, from, to, r1 float64) error {
	h := math.Log(from / to)
	if err := d.point(ctx, from, h, r1); err != nil {
		return err
	}
	a := to * math.Expm1(h)
	b := T(a / (2 * r1))
	for j, x := range d.r.X {
		dst[j] = x - T(a)*d.eps[j] - b*(d.eps1[j]-d.eps[j])
	}
	return nil
}

// third sets dst to a step of third order with points at 1/3 and 2/3 of the way.
func (d *dpmSolver[T]) third(ctx context.Context, dst []T, from, to float64) error {
	const r1, r2 = 1. / 3, 2. / 3
	h := math.Log(from / to)
	if err := d.point(ctx, from, h, r1); err != nil {
		return err
	}
	s2 := from * math.Exp(-r2*h)
	grow := math.Expm1(r2 * h)
	a, b := T(s2*grow), T(s2*(r2/r1)*(grow/(r2*h)-1))
	for j, x := range d.r.X {
		d.u[j] = x - a*d.eps[j] - b*(d.eps1[j]-d.eps[j])
	}
	if err := d.slope(ctx, d.eps2, d.u, s2); err != nil {
		return err
	}
	grow = math.Expm1(h)
	a, b = T(to*grow), T(to/r2*(grow/h-1))
	for j, x := range d.r.X {
		dst[j] = x - a*d.eps[j] - b*(d.eps2[j]-d.eps[j])
	}
	return nil
}

// point evaluates r1 of the way, once a step.
func (d *dpmSolver[T]) point(ctx context.Context, from, h, r1 float64) error {
	if d.has1 {
		return nil
	}
	d.has1 = true
	s1 := from * math.Exp(-r1*h)
	a := T(s1 * math.Expm1(r1*h))
	for j, x := range d.r.X {
		d.u[j] = x - a*d.eps[j]
	}
	return d.slope(ctx, d.eps1, d.u, s1)
}

// renoise adds the noise between two levels.
func (d *dpmSolver[T]) renoise(from, to float64) {
	d.r.Noise.Normal(d.noise)
	g := T(math.Sqrt(max(to*to-from*from, 0)) * d.r.sNoise())
	for j := range d.r.X {
		d.r.X[j] += T(d.noise[j]) * g
	}
}

// pass reports the steps of the schedule that a noise level has passed.
func (d *dpmSolver[T]) pass(sigma float64) error {
	r := d.r
	for ; d.passed < len(r.Sigmas)-1 && (r.Sigmas[d.passed+1] >= sigma*(1-rounding) || r.Sigmas[d.passed+1] == 0 && sigma <= r.lowest()*(1+rounding)); d.passed++ {
		if r.OnStep == nil {
			continue
		}
		if err := r.OnStep(d.passed, r.X, d.denoised); err != nil {
			return err
		}
	}
	return nil
}

// lowest returns the lowest noise level above 0.
func (r *Run[T]) lowest() float64 {
	n := len(r.Sigmas)
	if r.Sigmas[n-1] == 0 && n > 1 {
		return r.Sigmas[n-2]
	}
	return r.Sigmas[n-1]
}

// descends returns an error where there is nothing to do above 0.
func (r *Run[T]) descends(sampler string) error {
	if lowest := r.lowest(); still(r.Sigmas[0], lowest) {
		return fmt.Errorf("sched: %s ends at the lowest level above 0, sigma %g, where it starts, and leaves noise alone; want more steps", sampler, lowest)
	}
	return nil
}

// DPMFast is DPM-Solver-fast (Lu et al. 2022, section 3.3), which calls the
// denoiser once for each step of the schedule. Its own steps are of third order
// and evenly spaced in log sigma, from the first level to the lowest above 0;
// the last one or two are of lower order.
func DPMFast[T Float](ctx context.Context, r *Run[T]) error {
	eta := r.eta(0)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if err := r.descends("dpm_fast"); err != nil {
		return err
	}
	d, calls := newDPMSolver(r), len(r.Sigmas)-1
	steps := calls/3 + 1
	hi, lo := math.Log(r.Sigmas[0]), math.Log(r.lowest())
	for i := range steps {
		order := 3
		switch {
		case calls%3 == 0 && i >= steps-2:
			order = steps - i // 2, then 1
		case calls%3 != 0 && i == steps-1:
			order = calls % 3
		}
		from, to := math.Exp(linspace(hi, lo, steps+1, i)), math.Exp(linspace(hi, lo, steps+1, i+1))
		down, _ := ancestral(from, to, eta)
		down = max(down, r.lowest())
		if err := d.start(ctx, from); err != nil {
			return err
		}
		var err error
		switch order {
		case 1:
			d.first(d.u, from, down)
		case 2:
			err = d.second(ctx, d.u, from, down, 0.5)
		default:
			err = d.third(ctx, d.u, from, down)
		}
		if err != nil {
			return err
		}
		copy(r.X, d.u)
		if eta != 0 {
			d.renoise(down, to)
		}
		if err := d.pass(to); err != nil {
			return err
		}
	}
	return nil
}

// What DPM-Solver-12 and -23 have for their control of the step's length (Lu et
// al. 2022, appendix C; k-diffusion's defaults).
const (
	adaptiveRelative = 0.05
	adaptiveAbsolute = 0.0078
	adaptiveFirst    = 0.05 // length in log sigma
	adaptiveSafety   = 0.81 // a step is taken whose factor is as large
	adaptiveOrder    = 3
)

// DPMAdaptive is DPM-Solver-23, which chooses its steps from the first level to
// the lowest above 0 by the difference between its solutions of second and
// third order. Only the range of Sigmas counts, not their number.
func DPMAdaptive[T Float](ctx context.Context, r *Run[T]) error {
	eta := r.eta(0)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if err := r.descends("dpm_adaptive"); err != nil {
		return err
	}
	d := newDPMSolver(r)
	low, high, previous := make([]T, len(r.X)), make([]T, len(r.X)), append([]T(nil), r.X...)
	s, end, h := -math.Log(r.Sigmas[0]), -math.Log(r.lowest()), adaptiveFirst
	order := float64(adaptiveOrder)
	if eta != 0 {
		order = 1.5
	}
	for s < end-1e-5 {
		t := min(end, s+h)
		from, to := math.Exp(-s), math.Exp(-t)
		down, _ := ancestral(from, to, eta)
		down = max(down, r.lowest())
		if err := d.start(ctx, from); err != nil {
			return err
		}
		if err := d.second(ctx, low, from, down, 1./3); err != nil {
			return err
		}
		if err := d.third(ctx, high, from, down); err != nil {
			return err
		}
		sum := 0.0
		for j, v := range low {
			delta := max(adaptiveAbsolute, adaptiveRelative*max(math.Abs(float64(v)), math.Abs(float64(previous[j]))))
			e := float64(v-high[j]) / delta
			sum += e * e
		}
		inverse := 1 / (math.Sqrt(sum/float64(len(low))) + 1e-8)
		factor := 1 + math.Atan(math.Pow(inverse, 1/order)-1)
		if factor >= adaptiveSafety {
			copy(previous, low)
			copy(r.X, high)
			if eta != 0 {
				d.renoise(down, to)
			}
			s = t
			if err := d.pass(to); err != nil {
				return err
			}
		}
		h *= factor
	}
	return nil
}
