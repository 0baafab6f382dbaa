package sched

import (
	"context"
	"math"
)

// SASolver is the stochastic Adams predictor and corrector of Xue et al. 2023 on
// estimates of x0, of second order each, as diffusers has it by default. Eta is tau
// between the noise levels of the training timesteps 200 and 800, and tau is 0 elsewhere.
func SASolver[T Float](ctx context.Context, r *Run[T]) error {
	return saSteps(ctx, r, sa{predictor: 2, corrector: 2, lowerFinal: r.FirstOrderLast})
}

// sa is SA-Solver (Xue et al. 2023) as diffusers has it: a stochastic Adams
// predictor and corrector.
type sa struct {
	limit                limit
	predictor, corrector int
	noise                bool // works on the noise in x, not on x0
	lowerFinal           bool // the order falls towards the end
}

// saNoise are the first and the last timestep that the noise of SA-Solver is for.
var saNoise = [2]float64{200, 800}

func saMethod(c *Config, _ *training, _ int) method {
	s := sa{
		limit: c.limit(), predictor: c.PredictorOrder, corrector: c.CorrectorOrder, noise: c.Algorithm == "noise_prediction",
		lowerFinal: c.LowerOrderFinal,
	}
	return method{
		takesEta | takesSNoise, func(ctx context.Context, r *Run[float32]) error { return saSteps(ctx, r, s) },
		func(ctx context.Context, r *Run[float64]) error { return saSteps(ctx, r, s) },
	}
}

func saSteps[T Float](ctx context.Context, r *Run[T], s sa) error {
	r.limit = s.limit
	eta := r.eta(1)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	if err := r.checkLevels(); err != nil {
		return err
	}
	within := r.within(saNoise[0], saNoise[1])
	past := newHistory[T](max(s.predictor, s.corrector-1), len(r.X))
	before, output, noise := make([]T, len(r.X)), make([]T, len(r.X)), make([]float32, len(r.X))
	weigh := unifiedWeights(uniPCB1)
	tau := 0.0 // of the last step
	step := func(end []T, to float64, order int) {
		if to == 0 {
			copy(r.X, past.values[0])
			return
		}
		h := past.place(to, order, end != nil)
		times, g := 1+tau*tau, to*math.Sqrt(-math.Expm1(-2*tau*tau*h))
		if s.noise {
			exponentialWeights(past.weights, past.nodes, -h)
			for k := range past.nodes {
				past.weights[k] *= to * times
			}
			past.combine(r.X, before, end, 1)
			g = tau * to * math.Sqrt(math.Expm1(2*h))
		} else {
			weigh(past.weights, past.nodes, times*h)
			past.combine(r.X, before, end, T(math.Exp(-times*h)))
		}
		if tau == 0 {
			return
		}
		for j := range r.X {
			r.X[j] += T(noise[j]) * T(g*r.sNoise())
		}
	}
	predictor, corrector, n := 0, 0, len(r.Sigmas)-1
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		r.output(output, denoised, from, s.noise)
		if past.len() > 0 && !still(past.sigmas[0], from) {
			step(output, from, corrector-1)
		}
		past.push(output, from)
		copy(before, r.X)
		if tau = 0; within(i) {
			tau = eta
		}
		if eta != 0 {
			r.Noise.Normal(noise)
		}
		predictor, corrector = min(s.predictor, past.len()), min(s.corrector, past.len()+1)
		if s.lowerFinal {
			predictor, corrector = min(predictor, n-i), min(corrector, n-i+1)
		}
		if !still(from, to) {
			step(nil, to, predictor)
		}
	})
}
