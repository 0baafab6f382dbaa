package sched

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Denoise estimates the noiseless x0 from x at noise level sigma.
type Denoise func(ctx context.Context, denoised, x []float32, sigma float64) error

// Run is what a sampler works on.
type Run struct {
	X       []float32 // x0 + sigma noise, changed in place
	Sigmas  []float64
	Denoise Denoise
	Noise   Noise
	OnStep  func(step int, x, denoised []float32) error
	// FirstOrderLast asks a multistep sampler to end with a step of first order.
	FirstOrderLast bool
}

// Sampler is a way from noise to x0.
type Sampler struct {
	Name string
	Run  func(context.Context, *Run) error
}

var samplers = []Sampler{{"euler", Euler}, {"euler_a", EulerAncestral}, {"dpmpp_2m", DPMPP2M}}

// SamplerNames lists the samplers.
func SamplerNames() []string {
	var names []string
	for _, s := range samplers {
		names = append(names, s.Name)
	}
	return names
}

// SamplerNamed finds a sampler.
func SamplerNamed(name string) (Sampler, error) {
	i := slices.IndexFunc(samplers, func(s Sampler) bool { return s.Name == name })
	if i < 0 {
		return Sampler{}, fmt.Errorf("no sampler %q; there are %s", name, strings.Join(SamplerNames(), ", "))
	}
	return samplers[i], nil
}

func (r *Run) steps(ctx context.Context, f func(i int, denoised []float32) error) error {
	denoised := make([]float32, len(r.X))
	for i := range len(r.Sigmas) - 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.Denoise(ctx, denoised, r.X, r.Sigmas[i]); err != nil {
			return err
		}
		for _, v := range denoised {
			if v != v {
				return fmt.Errorf("the denoiser gave NaN at step %d, sigma %g", i, r.Sigmas[i])
			}
		}
		if err := f(i, denoised); err != nil {
			return err
		}
		if r.OnStep != nil {
			if err := r.OnStep(i, r.X, denoised); err != nil {
				return err
			}
		}
	}
	return nil
}

// Euler is Euler's method (Karras et al. 2022, algorithm 2 without churn).
func Euler(ctx context.Context, r *Run) error {
	return r.steps(ctx, func(i int, denoised []float32) error {
		f := float32((r.Sigmas[i+1] - r.Sigmas[i]) / r.Sigmas[i])
		for j, x := range r.X {
			r.X[j] = x + (x-denoised[j])*f
		}
		return nil
	})
}

// EulerAncestral is Euler's method with fresh noise at every step.
func EulerAncestral(ctx context.Context, r *Run) error {
	noise := make([]float32, len(r.X))
	return r.steps(ctx, func(i int, denoised []float32) error {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		up := math.Sqrt(to * to * (from*from - to*to) / (from * from))
		down := math.Sqrt(to*to - up*up)
		r.Noise.Normal(noise)
		f := float32((down - from) / from)
		for j, x := range r.X {
			r.X[j] = x + (x-denoised[j])*f + noise[j]*float32(up)
		}
		return nil
	})
}

// DPMPP2M is DPM-Solver++(2M) (Lu et al. 2022, algorithm 2).
func DPMPP2M(ctx context.Context, r *Run) error {
	old := make([]float32, len(r.X))
	last := len(r.Sigmas) - 2
	return r.steps(ctx, func(i int, denoised []float32) error {
		ratio := r.Sigmas[i+1] / r.Sigmas[i]
		a, b := 1.0, 0.0
		if i > 0 && r.Sigmas[i+1] > 0 && !(i == last && r.FirstOrderLast) {
			h, h0 := -math.Log(ratio), -math.Log(r.Sigmas[i]/r.Sigmas[i-1])
			k := h / h0 / 2
			a, b = 1+k, -k
		}
		for j, x := range r.X {
			d := float32(a)*denoised[j] + float32(b)*old[j]
			r.X[j] = float32(ratio)*x + float32(1-ratio)*d
		}
		copy(old, denoised)
		return nil
	})
}
