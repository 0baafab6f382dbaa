package sched

import (
	"context"
	"math"
)

// DPMPPSDE is the single-step solver of the diffusion SDE, DPM-Solver++ (Lu et
// al. 2022) with r = 1/2 and noise at both of its points, as k-diffusion has it.
func DPMPPSDE[T Float](ctx context.Context, r *Run[T]) error {
	eta := r.eta(1)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	x, denoised2, noise := make([]T, len(r.X)), make([]T, len(r.X)), make([]float32, len(r.X))
	step := func(dst, denoised []T, from, to float64, start, end T) {
		down, up := ancestral(from, to, eta)
		if eta != 0 {
			Draw(r.Noise, noise, byLog(start), byLog(end))
		}
		keep, rest, g := T(down/from), T(1-down/from), T(up*r.sNoise())
		for j, v := range r.X {
			dst[j] = keep*v + rest*denoised[j] + g*T(noise[j])
		}
	}
	return r.evaluations(ctx, func(i int, denoised []T) error {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if to == 0 {
			r.eulerStep(denoised, from, to)
			return nil
		}
		middle := math.Sqrt(from * to)
		start, end := minusLog[T](from), minusLog[T](to)
		step(x, denoised, from, middle, start, start+T((end-start)/2))
		if err := r.evaluate(ctx, denoised2, x, middle, i); err != nil {
			return err
		}
		step(r.X, denoised2, from, to, start, end)
		return nil
	})
}

// minusLog and byLog go from a noise level to minus its logarithm and back in T,
// by way of which k-diffusion tells levels to a source of noise.
func minusLog[T Float](sigma float64) T { return -T(math.Log(float64(T(sigma)))) }

func byLog[T Float](t T) float64 { return float64(T(math.Exp(-float64(t)))) }

// DPMPP2MSDE is the multistep solver of second order of the diffusion SDE,
// SDE-DPM-Solver++(2M) (Lu et al. 2022), of the midpoint kind.
func DPMPP2MSDE[T Float](ctx context.Context, r *Run[T]) error {
	return r.multistepSDE(ctx, func(h float64, past []float64) [3]float64 {
		return secondOrder(past, -math.Expm1(-h)/2)
	})
}

// DPMPP2MSDEHeun is DPMPP2MSDE of the Heun kind, as k-diffusion has it.
func DPMPP2MSDEHeun[T Float](ctx context.Context, r *Run[T]) error {
	return r.multistepSDE(ctx, func(h float64, past []float64) [3]float64 {
		return secondOrder(past, phi2(h))
	})
}

// DPMPP3MSDE is the multistep solver of third order of the diffusion SDE that
// Crowson made after DPM-Solver++ for k-diffusion.
func DPMPP3MSDE[T Float](ctx context.Context, r *Run[T]) error {
	return r.multistepSDE(ctx, func(h float64, past []float64) [3]float64 {
		if len(past) < 2 {
			return secondOrder(past, phi2(h))
		}
		r0, r1 := past[0], past[1]
		p2 := phi2(h)
		p3 := p2/h - 0.5
		a := p2*(1+r0/(r0+r1)) - p3/(r0+r1) // of the newer difference quotient
		b := p2*r0/(r0+r1) - p3/(r0+r1)     // of the older, taken away
		return [3]float64{a / r0, -a/r0 - b/r1, b / r1}
	})
}

// phi2 is (exp(-h)-1)/h + 1.
func phi2(h float64) float64 { return math.Expm1(-h)/h + 1 }

// secondOrder weighs the difference quotient of the last two estimates, if there are two.
func secondOrder(past []float64, weight float64) [3]float64 {
	if len(past) == 0 {
		return [3]float64{}
	}
	return [3]float64{weight / past[0], -weight / past[0]}
}

// multistepSDE integrates the SDE exactly for a constant x0, and adds what
// correction weighs of the last three estimates, newest first. It is given the
// step's length in log sigma, 1 + eta times, and those of the steps before in
// terms of it without that.
func (r *Run[T]) multistepSDE(ctx context.Context, correction func(h float64, past []float64) [3]float64) error {
	eta := r.eta(1)
	if err := r.needsNoise(eta); err != nil {
		return err
	}
	noise := make([]float32, len(r.X))
	var kept [3][]T // estimates, the newest first
	for k := range kept {
		kept[k] = make([]T, len(r.X))
	}
	var lengths [2]float64 // of the steps before
	var past [2]float64
	taken := 0
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if r.plain(from, to, denoised) {
			return
		}
		kept[0], kept[1], kept[2] = kept[2], kept[0], kept[1]
		copy(kept[0], denoised)
		h := math.Log(from / to)
		n := min(taken, len(past))
		for k := range n {
			past[k] = lengths[k] / h
		}
		long := h * (1 + eta)
		w := correction(long, past[:n])
		if eta != 0 {
			Draw(r.Noise, noise, from, to)
		}
		keep, first, g := T(math.Exp(-long)), T(-math.Expm1(-long)), T(to*math.Sqrt(-math.Expm1(-2*h*eta))*r.sNoise())
		a, b, c := first+T(w[0]), T(w[1]), T(w[2])
		for j, x := range r.X {
			r.X[j] = keep*x + a*kept[0][j] + b*kept[1][j] + c*kept[2][j] + g*T(noise[j])
		}
		lengths[0], lengths[1] = h, lengths[0]
		taken++
	})
}

// sdeMethod is DPM-Solver++ of the SDE. A seed in the file is that of its
// Brownian motion, whatever the picture's.
func sdeMethod(c *Config, _ *training, _ int) method {
	seed := c.NoiseSamplerSeed
	return method{takesEta | takesSNoise, seeded(seed, DPMPPSDE[float32]), seeded(seed, DPMPPSDE[float64])}
}

func seeded[T Float](seed *int64, f run[T]) run[T] {
	if seed == nil {
		return f
	}
	return func(ctx context.Context, r *Run[T]) error {
		torch := func(seed int64) Noise { return NewTorchNoise(seed) }
		r.Noise = NewBrownianNoise(r.Noise, torch, *seed, r.whole())
		return f(ctx, r)
	}
}
