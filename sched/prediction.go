package sched

import (
	"context"
	"math"
	"strconv"
	"strings"
)

// Prediction is what a network's output means.
type Prediction string

// The prediction types of diffusers.
const (
	Epsilon     Prediction = "epsilon"      // the noise
	VPrediction Prediction = "v_prediction" // alpha noise - sigma x0 (Salimans and Ho 2022)
	Sample      Prediction = "sample"       // x0
	// EDM and EDMV are the noise and v of models whose data have a standard
	// deviation of 0.5 and 1, by which x is scaled, too (Karras et al. 2022,
	// table 1): Playground v2.5 and CosXL.
	EDM  Prediction = "edm"
	EDMV Prediction = "edm_v"
)

// EDMPrediction is EDM, or EDMV if v is set, for data of another standard
// deviation.
func EDMPrediction(v bool, deviation float64) Prediction {
	p, own := EDM, edmDeviation
	if v {
		p, own = EDMV, edmVDeviation
	}
	if deviation == own {
		return p
	}
	return p + Prediction(" "+strconv.FormatFloat(deviation, 'g', -1, 64))
}

// The deviations of data that networks of Karras et al. 2022 were trained with:
// in Playground v2.5, and in CosXL, which predicts v.
const (
	edmDeviation  = 0.5
	edmVDeviation = 1.0
)

// edm returns whether a network takes the noise level itself as its time, whether it
// predicts v, and the deviation of its data.
func (p Prediction) edm() (is, v bool, deviation float64) {
	kind, of, other := strings.Cut(string(p), " ")
	switch Prediction(kind) {
	case EDM:
		deviation = edmDeviation
	case EDMV:
		v, deviation = true, edmVDeviation
	default:
		return false, false, 0
	}
	if other {
		deviation, _ = strconv.ParseFloat(of, 64)
	}
	return true, v, deviation
}

// Scalings returns the factors of x0 = skip x + out network(in x) (Karras et
// al. 2022, equation 7).
func (p Prediction) Scalings(sigma float64) (in, skip, out float64) {
	v := sigma*sigma + 1
	in = 1 / math.Sqrt(v)
	switch p {
	case Epsilon:
		return in, 1, -sigma
	case VPrediction:
		return in, 1 / v, -sigma * in
	case Sample:
		return in, 0, 1
	}
	if is, v, deviation := p.edm(); is {
		in, skip, out = edm(sigma, deviation)
		if v {
			out = -out
		}
		return in, skip, out
	}
	return in, 1, -sigma
}

// edm returns the factors for data of a deviation, and for the noise.
func edm(sigma, data float64) (in, skip, out float64) {
	v := sigma*sigma + data*data
	return 1 / math.Sqrt(v), data * data / v, sigma * data / math.Sqrt(v)
}

// Denoised turns the output of a network, which was given x times the first of
// Scalings, into the estimate of x0.
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

// Network computes out from in, which is x times the first of Scalings, and the model's time.
type Network[T Float] func(ctx context.Context, out, in []T, time float64) error

// NewDenoise makes a Denoise of a network. time maps sigma to the model's time,
// such as Schedule.Time; n is the number of elements of x.
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
