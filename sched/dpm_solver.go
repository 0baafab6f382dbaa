package sched

import (
	"context"
	"math"
)

// DPMPP2M is the multistep solver of second order, DPM-Solver++(2M) (Lu et al.
// 2022, algorithm 2), which starts and ends with a step of first order.
func DPMPP2M[T Float](ctx context.Context, r *Run[T]) error {
	previous := make([]T, len(r.X))
	last := len(r.Sigmas) - 2
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		k := 0.0 // half the ratio of this step to the one before, in log sigma
		if i > 0 && to > 0 && r.Sigmas[i-1] > from && (i < last || !r.FirstOrderLast) {
			k = math.Log(from/to) / math.Log(r.Sigmas[i-1]/from) / 2
		}
		keep, a, b := T(to/from), T((1-to/from)*(1+k)), T((1-to/from)*k)
		for j, x := range r.X {
			r.X[j] = keep*x + a*denoised[j] - b*previous[j]
		}
		copy(previous, denoised)
	})
}

// dpm is DPM-Solver and DPM-Solver++ (Lu et al. 2022), of the ODE and of the
// SDE, as diffusers has them: multistep or single-step, of order 1 to 3.
type dpm struct {
	limit      limit
	order      int
	noise      bool // works on the noise in x, not on x0
	sde        bool
	heun       bool // of two kinds of steps of higher order; otherwise midpoint
	orders     []int
	firstLast  bool // the last step is of first order
	lowerFinal bool // the last steps of a short run are of lower order
}

func (c *Config) dpm() dpm {
	return dpm{
		limit: c.limit(), order: c.SolverOrder,
		noise: c.Algorithm == "dpmsolver" || c.Algorithm == "sde-dpmsolver",
		sde:   c.Algorithm == "sde-dpmsolver++" || c.Algorithm == "sde-dpmsolver",
		heun:  c.Solver == "heun", firstLast: c.EulerAtFinal || c.FinalSigmas == "zero", lowerFinal: c.LowerOrderFinal,
	}
}

// DPMPP3M is DPM-Solver++ of third order, multistep (Lu et al. 2022, appendix
// B), whose order rises at the start, and falls again at the end if the run
// ends at 0.
func DPMPP3M[T Float](ctx context.Context, r *Run[T]) error {
	return dpmMultistep(ctx, r, dpm{order: 3, firstLast: r.FirstOrderLast, lowerFinal: r.FirstOrderLast})
}

// takes returns the options that it uses. The noise of a step on the noise is
// of one strength.
func (d dpm) takes() optionSet {
	switch {
	case d.sde && d.noise:
		return takesOrder | takesSNoise
	case d.sde:
		return takesOrder | takesEta | takesSNoise
	}
	return takesOrder
}

func dpmMultistepMethod(c *Config, _ *training, _ int) method {
	d := c.dpm()
	return method{
		d.takes(), func(ctx context.Context, r *Run[float32]) error { return dpmMultistep(ctx, r, d) },
		func(ctx context.Context, r *Run[float64]) error { return dpmMultistep(ctx, r, d) },
	}
}

func dpmSinglestepMethod(c *Config, _ *training, steps int) method {
	d := c.dpm()
	d.orders = c.singlestepOrders(steps)
	return method{
		d.takes() &^ takesOrder, func(ctx context.Context, r *Run[float32]) error { return dpmSinglestep(ctx, r, d) },
		func(ctx context.Context, r *Run[float64]) error { return dpmSinglestep(ctx, r, d) },
	}
}

// singlestepOrders returns the order of each evaluation of a single-step solver:
// a step of order n ends n evaluations.
func (c *Config) singlestepOrders(steps int) []int {
	order := c.SolverOrder
	lower := c.LowerOrderFinal || steps%order != 0 || c.FinalSigmas == "zero"
	orders := make([]int, steps)
	for i := range orders {
		orders[i] = 1 + i%order
	}
	if lower && order > 1 && steps%order == 0 {
		orders[steps-1] = 1
		if order == 3 {
			orders[steps-2] = 2
		}
	}
	if c.FinalSigmas == "zero" {
		orders[steps-1] = 1
	}
	return orders
}

// weights returns what a step of length h in log sigma keeps of x, what it
// takes of the three differences, and what its noise is multiplied by.
func (d dpm) weights(h, to, eta float64) (keep float64, w [3]float64, noise float64) {
	half := func(first float64) float64 { return first / 2 }
	if d.noise {
		first := math.Expm1(h)
		second, third := first/h-1, (first-h)/(h*h)-0.5
		if !d.heun {
			second = half(first)
		}
		times := -to
		if d.sde {
			times, noise = -2*to, to*math.Sqrt(math.Expm1(2*h))
		}
		return 1, [3]float64{times * first, times * second, times * third}, noise
	}
	long, sign := h*(1+eta), 0.5
	if d.sde {
		sign = -0.5 // as diffusers has it
	}
	first := -math.Expm1(-long)
	second := 1 - first/long
	if !d.heun {
		second = half(first)
	}
	return math.Exp(-long), [3]float64{first, second, (first-long)/(long*long) + sign}, to * math.Sqrt(-math.Expm1(-2*eta*h))
}

// eta returns how much noise a run adds.
func (d dpm) eta(asked float64) float64 {
	if !d.sde {
		return 0
	}
	return asked
}

// dpmState is a solver at work.
type dpmState[T Float] struct {
	*Run[T]
	dpm
	past  *history[T]
	kept  []T
	noise []float32
	strew float64 // eta
}

func newDPM[T Float](r *Run[T], d dpm) (*dpmState[T], error) {
	s := &dpmState[T]{Run: r, dpm: d, past: newHistory[T](max(d.order, 1), len(r.X)), kept: make([]T, len(r.X)),
		noise: make([]float32, len(r.X))}
	r.limit = d.limit
	s.strew = d.eta(r.eta(1))
	if d.sde {
		return s, r.needsNoise(s.strew)
	}
	return s, nil
}

// remember keeps what the denoiser gave, as x0 or as noise.
func (s *dpmState[T]) remember(denoised []T, sigma float64) {
	s.Run.output(s.kept, denoised, sigma, s.dpm.noise)
	s.past.push(s.kept, sigma)
}

// draw draws the noise of a step, if the solver is of the SDE.
func (s *dpmState[T]) draw(from, to float64) {
	if s.sde && s.strew != 0 {
		Draw(s.Noise, s.noise, from, to)
	}
}

// step sets X to a step from x: base is the output at x, and first and second
// the differences of first and second order.
func (s *dpmState[T]) step(x []T, h, to float64, base []T, first, second func(j int) T) {
	keep, w, g := s.weights(h, to, s.strew)
	k, a, b, c, n := T(keep), T(w[0]), T(w[1]), T(w[2]), T(g*s.sNoise())
	for j, v := range x {
		sum := k*v + a*base[j]
		if first != nil {
			sum += b * first(j)
		}
		if second != nil {
			sum += c * second(j)
		}
		s.X[j] = sum + n*T(s.noise[j])
	}
}

func dpmMultistep[T Float](ctx context.Context, r *Run[T], d dpm) error {
	d.order = r.atMost(d.order, MaxOrder)
	s, err := newDPM(r, d)
	if err != nil {
		return err
	}
	heun := d
	heun.heun = true
	n := len(r.Sigmas) - 1
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		s.remember(denoised, from)
		s.draw(from, to)
		order := min(d.order, s.past.len())
		short := d.lowerFinal && r.total() < shortRun
		switch {
		case i == n-1 && (d.firstLast || short || to == 0):
			order = 1
		case i == n-2 && short:
			order = min(order, 2)
		}
		m := s.past.values
		if to == 0 {
			copy(r.X, m[0])
			return
		}
		if still(from, to) {
			return
		}
		h := math.Log(from / to)
		s.dpm = d
		if order == 1 {
			s.step(r.X, h, to, m[0], nil, nil)
			return
		}
		r0 := T(math.Log(s.past.sigmas[1]/from) / h)
		d10 := func(j int) T { return (m[0][j] - m[1][j]) / r0 }
		if order == 2 {
			s.step(r.X, h, to, m[0], d10, nil)
			return
		}
		r1 := T(math.Log(s.past.sigmas[2]/s.past.sigmas[1]) / h)
		d11 := func(j int) T { return (m[1][j] - m[2][j]) / r1 }
		s.dpm = heun // which the third order always is
		s.step(r.X, h, to, m[0],
			func(j int) T { return d10(j) + r0/(r0+r1)*(d10(j)-d11(j)) },
			func(j int) T { return (d10(j) - d11(j)) / (r0 + r1) })
	})
}

func dpmSinglestep[T Float](ctx context.Context, r *Run[T], d dpm) error {
	s, err := newDPM(r, d)
	if err != nil {
		return err
	}
	start := make([]T, len(r.X)) // of a step
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		s.remember(denoised, from)
		s.draw(from, to)
		order := min(d.orders[min(r.First+i, len(d.orders)-1)], s.past.len())
		if order == 1 {
			copy(start, r.X)
		}
		m, sigmas := s.past.values, s.past.sigmas
		if to == 0 {
			copy(r.X, m[0])
			return
		}
		h := math.Log(sigmas[order-1] / to)
		if still(sigmas[order-1], to) {
			return
		}
		along := func(k int) T { return T(math.Log(sigmas[order-1]/sigmas[k]) / h) } // how far an evaluation is
		s.dpm = d
		switch order {
		case 1:
			s.step(start, h, to, m[0], nil, nil)
		case 2:
			r0 := along(0)
			s.step(start, h, to, m[1], func(j int) T { return (m[0][j] - m[1][j]) / r0 }, nil)
		case 3:
			r0, r1 := along(0), along(1)
			d10 := func(j int) T { return (m[1][j] - m[2][j]) / r1 }
			d11 := func(j int) T { return (m[0][j] - m[2][j]) / r0 }
			if !d.heun {
				s.heun = true // the weight of its first difference is of this kind
				s.step(start, h, to, m[2], d11, nil)
				return
			}
			s.step(start, h, to, m[2],
				func(j int) T { return (r0*d10(j) - r1*d11(j)) / (r0 - r1) },
				func(j int) T { return 2 * (d11(j) - d10(j)) / (r0 - r1) })
		}
	})
}
