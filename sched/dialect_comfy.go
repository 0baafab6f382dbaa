package sched

import (
	"context"
	"math"
)

// comfyMethod returns ComfyUI's own form of a sampler, if it has one.
func comfyMethod(sampler string, t *training) (m method, ok bool) {
	if sampler == "sa_solver" {
		l := levels{train: t.sigmas, logs: t.logs}
		last := float32(len(t.sigmas) - 1)
		low, high := l.at(0.2*last), l.at(0.8*last)
		return method{
			takesEta | takesSNoise, func(ctx context.Context, r *Run[float32]) error { return comfySA(ctx, r, low, high) },
			func(ctx context.Context, r *Run[float64]) error { return comfySA(ctx, r, low, high) },
		}, true
	}
	type weigh = func(sigmas []float64) slopeWeights
	forms := map[string]struct {
		order   int
		weights weigh
	}{
		"ipndm":   {len(adamsBashforth), evenWeights},
		"ipndm_v": {len(adamsBashforth), variableWeights},
		"deis":    {MaxOrder, tabulatedWeights},
	}
	form, ok := forms[sampler]
	return method{
		0, func(ctx context.Context, r *Run[float32]) error { return slopeSteps(ctx, r, form.order, form.weights) },
		func(ctx context.Context, r *Run[float64]) error { return slopeSteps(ctx, r, form.order, form.weights) },
	}, ok
}

// slopeWeights returns what a step multiplies the last slopes in sigma with, the
// newest first; their number is its order.
type slopeWeights func(step, order int) []float64

// slopeSteps is a multistep method on slopes in sigma. A last step to 0 takes
// the estimate.
func slopeSteps[T Float](ctx context.Context, r *Run[T], most int, weights func(sigmas []float64) slopeWeights) error {
	slopes := newSlopes(r)
	if err := r.check(); err != nil {
		return err
	}
	weigh := weights(r.Sigmas)
	return r.steps(ctx, func(i int, denoised []T) {
		slopes.push(denoised, r.Sigmas[i])
		if r.Sigmas[i+1] == 0 {
			copy(r.X, denoised)
			return
		}
		for k, w := range weigh(i, min(i+1, most)) {
			for j, d := range slopes.last[k] {
				r.X[j] += T(w) * d
			}
		}
	})
}

// evenWeights are those of Adams and Bashforth for even steps.
func evenWeights(sigmas []float64) slopeWeights {
	return func(step, order int) []float64 {
		w := make([]float64, order)
		for k, c := range adamsBashforth[order-1] {
			w[k] = c * (sigmas[step+1] - sigmas[step])
		}
		return w
	}
}

// variableWeights are ComfyUI's for steps of any length, which from the third
// order on are not those of Adams and Bashforth.
func variableWeights(sigmas []float64) slopeWeights {
	return func(step, order int) []float64 {
		h := make([]float64, 4) // lengths of this step and of those before
		for k := range order {
			h[k] = sigmas[step+1-k] - sigmas[step-k]
		}
		w := make([]float64, 4)
		w[0] = 1
		if order > 1 {
			half := h[0] / h[1] / 2
			w[0], w[1] = w[0]+half, -half
		}
		if order > 2 {
			third := (1 - h[0]*h[0]/(3*h[1]*(h[1]+h[2]))) / 2
			near := h[1] / h[2]
			w[0] += third
			w[1] -= (1 + near) * third
			w[2] += near * third
		}
		if order > 3 {
			near, far := h[1]/h[2], h[1]*(h[1]+h[2])/(h[2]*(h[2]+h[3]))
			two, three := h[0]+h[1], h[0]+h[1]+h[2]
			fourth := ((1-h[0]/(3*two))/2 + (1-h[0]/(2*two))*h[0]/(6*three)) * h[0] * two * three / (h[1] * (h[1] +
				h[2]) * (h[1] + h[2] + h[3]))
			w[0] += fourth
			w[1] -= (1 + near + far) * fourth
			w[2] += (near + far*(1+h[2]/h[3])) * fourth
			w[3] -= far * near * fourth
		}
		for k := range w {
			w[k] *= h[0]
		}
		return w[:order]
	}
}

// What tabulated DEIS takes for the noise of training (Zhang and Chen 2022): a
// variance-preserving process of linear beta from the lowest to the highest level.
const (
	tabulatedLowest  = 0.002
	tabulatedHighest = 80
	tabulatedFirst   = 1e-3  // the time of the lowest level
	tabulatedPoints  = 10000 // of the sums that stand for integrals
)

// tabulatedWeights interpolate slopes in the time of such a process, and
// integrate them in sigma by a sum (DEIS, tAB).
func tabulatedWeights(sigmas []float64) slopeWeights {
	low, high := math.Log1p(tabulatedLowest*tabulatedLowest), math.Log1p(tabulatedHighest*tabulatedHighest)
	rise := 2 * (low/tabulatedFirst - high) / (tabulatedFirst - 1)
	least := high - rise/2
	times := make([]float64, len(sigmas))
	for i, s := range sigmas {
		times[i] = (math.Sqrt(least*least+2*rise*math.Log1p(s*s)) - least) / rise
	}
	return func(step, order int) []float64 {
		from, to := times[step], times[step+1]
		if order == 1 {
			return []float64{sigmas[step+1] - sigmas[step]}
		}
		w := make([]float64, order)
		for p := range tabulatedPoints {
			t := linspace(from, to, tabulatedPoints, p)
			alpha := math.Exp(-t*t*rise/2 - t*least)
			slope := (t*rise + least) / 2 / math.Sqrt(alpha*(1-alpha)) // of sigma
			for k := range w {
				l := slope
				for m := range order {
					if m != k {
						l *= (t - times[step-m]) / (times[step-k] - times[step-m])
					}
				}
				w[k] += l
			}
		}
		for k := range w {
			w[k] *= (to - from) / tabulatedPoints
		}
		return w
	}
}

// The orders of SA-Solver in ComfyUI.
const (
	comfyPredictor = 3
	comfyCorrector = 4
)

// comfySA is SA-Solver as ComfyUI has it: of higher order, which falls towards an
// end at 0, and with noise on the way to levels from low to high. A last step to 0
// has no corrector and takes the estimate.
func comfySA[T Float](ctx context.Context, r *Run[T], low, high float64) error {
	eta := r.eta(1)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	past := newHistory[T](comfyCorrector, len(r.X))
	before, noise := make([]T, len(r.X)), make([]float32, len(r.X))
	n := len(r.Sigmas) - 1
	tau, g, corrector := 0.0, T(0), 0 // of the last step
	step := func(end []T, to float64, order int) {
		long := (1 + tau*tau) * past.place(to, order, end != nil)
		exponentialWeights(past.weights, past.nodes, long)
		past.combine(r.X, before, end, T(math.Exp(-long)))
		if tau == 0 {
			return
		}
		for j := range r.X {
			r.X[j] += T(noise[j]) * g
		}
	}
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if corrector > 0 && to > 0 && !still(past.sigmas[0], from) {
			step(denoised, from, corrector-1)
		}
		past.push(denoised, from)
		copy(before, r.X)
		if to == 0 {
			copy(r.X, denoised)
			return
		}
		predictor := min(comfyPredictor, past.len())
		corrector = min(comfyCorrector, past.len()+1)
		if r.Sigmas[n] == 0 {
			predictor, corrector = min(predictor, n-1-i), min(corrector, n-1-i)
		}
		if tau = 0; to >= low && to <= high {
			tau = eta
		}
		if tau > 0 {
			r.Noise.Normal(noise)
			g = T(to * math.Sqrt(-math.Expm1(-2*tau*tau*math.Log(from/to))) * r.sNoise())
		}
		if !still(from, to) {
			step(nil, to, predictor)
		}
	})
}
