package sched

import (
	"context"
	"math"
)

// Prediction is what a network's output means.
type Prediction string

// The prediction types of diffusers.
const (
	Epsilon     Prediction = "epsilon"      // the noise
	VPrediction Prediction = "v_prediction" // alpha noise - sigma x0 (Salimans and Ho 2022)
	Sample      Prediction = "sample"       // x0
)

// Scalings returns the factors of x0 = skip x + out network(in x) (Karras et
// al. 2022, equation 7).
func (p Prediction) Scalings(sigma float64) (in, skip, out float64) {
	v := sigma*sigma + 1
	in = 1 / math.Sqrt(v)
	switch p {
	case VPrediction:
		return in, 1 / v, -sigma * in
	case Sample:
		return in, 0, 1
	}
	return in, 1, -sigma
}

// Denoised turns the output of a network, which was given x/sqrt(1+sigma^2),
// into the estimate of x0.
func (p Prediction) Denoised(denoised, x, out []float32, sigma float64) {
	estimate(p, denoised, x, out, sigma)
}

func estimate[T Float](p Prediction, denoised, x, out []T, sigma float64) {
	_, skip, scale := p.Scalings(sigma)
	a, b := T(skip), T(scale)
	for i, v := range x {
		denoised[i] = a*v + b*out[i]
	}
}

// Network computes out from in = x/sqrt(1+sigma^2), told the model's time.
type Network[T Float] func(ctx context.Context, out, in []T, time float64) error

// NewDenoise makes a Denoise for x of n numbers of a network and of what maps
// sigma to the model's time, such as Schedule.Time.
func NewDenoise[T Float](network Network[T], p Prediction, time func(sigma float64) float64, n int) Denoise[T] {
	scaled, out := make([]T, n), make([]T, n)
	return func(ctx context.Context, denoised, x []T, sigma float64) error {
		in, _, _ := p.Scalings(sigma)
		for i, v := range x {
			scaled[i] = v * T(in)
		}
		if err := network(ctx, out, scaled, time(sigma)); err != nil {
			return err
		}
		estimate(p, denoised, x, out, sigma)
		return nil
	}
}
