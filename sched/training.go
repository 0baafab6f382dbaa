package sched

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// training is a model's noise levels at its training timesteps.
type training struct {
	sigmas []float64 // from low to high, in float32 as the reference computes them
	logs   []float64
	exact  []float64 // the levels before they are rounded
}

// nearZeroSNR is the share of x0 that the reference leaves at the last timestep
// of a model that was trained to noise alone.
const nearZeroSNR = 1.0 / (1 << 24)

// noiseAlone is the level that stands for noise alone, where the reference has
// no share of x0 left: in float32 it can still be multiplied by.
const noiseAlone = 1e30

// training returns the levels that a configuration's betas give.
func (c *Config) training() (*training, error) {
	t := &training{}
	switch {
	case c.isEDM():
		t.sigmas = c.edmSigmas(c.TrainTimesteps + 1)
		slices.Reverse(t.sigmas)
	case c.has(angles):
		t.sigmas, _, _ = ipndmLevels(c, nil, c.TrainTimesteps)
		t.sigmas = t.sigmas[:c.TrainTimesteps] // without their end at 0
		slices.Reverse(t.sigmas)
	default:
		alphas := c.alphasCumprod()
		for i, a := range alphas {
			sigma := float64(float32(math.Sqrt(float64((1 - a) / a))))
			switch {
			case !c.has(onGrid) || !math.IsInf(sigma, 1):
			case a > 0:
				sigma = float64(float32(math.Sqrt(1 / float64(a))))
			default:
				sigma = float64(float32(noiseAlone * (1 + float64(i)/float64(len(alphas))))) // no two alike
			}
			t.sigmas = append(t.sigmas, sigma)
			t.exact = append(t.exact, math.Sqrt((1-float64(a))/float64(a)))
		}
	}
	if i := slices.IndexFunc(t.sigmas, func(v float64) bool { return !(v > 0 && v <= math.MaxFloat32) }); i >= 0 {
		return nil, fmt.Errorf("sched: the betas give sigma %g at training timestep %d, want a positive number", t.sigmas[i], i)
	}
	t.logs = logs(t.sigmas)
	if t.exact == nil {
		t.exact = t.sigmas
	}
	return t, nil
}

// elsewhere returns the levels as a program has them that computes betas of its
// own, in float64: ComfyUI goes on in it, AUTOMATIC1111's web UI with shares of x0 in
// float32. k-diffusion is given its levels.
func (t *training) elsewhere(c *Config, d Dialect) *training {
	own := *t
	linear := c.BetaSchedule == "scaled_linear" || c.BetaSchedule == "linear"
	if d != KDiffusion && linear && c.TrainedBetas == nil && !c.RescaleBetasZeroSNR && !c.isEDM() {
		own.sigmas, own.exact, own.logs = nil, nil, nil
		prod := 1.0
		for i := range c.TrainTimesteps {
			if c.BetaSchedule == "linear" {
				prod *= 1 - linspace(c.BetaStart, c.BetaEnd, c.TrainTimesteps, i)
			} else {
				prod *= 1 - math.Pow(linspace(math.Sqrt(c.BetaStart), math.Sqrt(c.BetaEnd), c.TrainTimesteps, i), 2)
			}
			exact, sigma := math.Sqrt((1-prod)/prod), float32(math.Sqrt((1-prod)/prod))
			if d == A1111 {
				a := float32(prod)
				exact, sigma = math.Sqrt((1-float64(a))/float64(a)), float32(math.Sqrt(float64((1-a)/a)))
			}
			own.sigmas, own.exact = append(own.sigmas, float64(sigma)), append(own.exact, exact)
		}
	}
	from := own.sigmas
	if d == Comfy {
		from = own.exact
	}
	own.logs = make([]float64, len(from))
	for i, s := range from {
		own.logs[i] = float64(float32(math.Log(s)))
	}
	return &own
}

// at returns the level of a training timestep; one below 0 is of the end given.
func (t *training) at(time int, end float64) float64 {
	if time < 0 {
		return end
	}
	return t.sigmas[min(time, len(t.sigmas)-1)]
}

// highest returns the level of the last timestep.
func (t *training) highest() float64 { return t.sigmas[len(t.sigmas)-1] }

// alphasCumprod returns the share of x0 in the variance at every training timestep.
func (c *Config) alphasCumprod() []float32 {
	betas := c.betas()
	if c.RescaleBetasZeroSNR {
		rescaleZeroSNR(betas)
	}
	alphas, prod := make([]float32, len(betas)), 1.0
	for i, beta := range betas {
		prod *= float64(1 - beta)
		alphas[i] = float32(prod)
	}
	if c.RescaleBetasZeroSNR {
		if alphas[len(alphas)-1] = nearZeroSNR; c.has(onGrid) {
			alphas[len(alphas)-1] = 0
		}
	}
	return alphas
}

// betas returns the noise that each training timestep adds, in the arithmetic
// of the reference.
func (c *Config) betas() []float32 {
	n := c.TrainTimesteps
	betas := make([]float32, n)
	switch {
	case c.TrainedBetas != nil:
		betas = betas[:0]
		for _, beta := range c.TrainedBetas {
			betas = append(betas, float32(beta))
		}
	case c.BetaSchedule == "scaled_linear":
		linspace32(betas, math.Sqrt(c.BetaStart), math.Sqrt(c.BetaEnd))
		for i, v := range betas {
			betas[i] = v * v
		}
	case c.BetaSchedule == "sigmoid":
		linspace32(betas, -6, 6)
		for i, v := range betas {
			s := float32(1 / (1 + math.Exp(-float64(v))))
			betas[i] = float32(float32(s*float32(c.BetaEnd-c.BetaStart)) + float32(c.BetaStart))
		}
	case shareLeft[c.BetaSchedule] != nil:
		left := shareLeft[c.BetaSchedule]
		for i := range betas {
			betas[i] = float32(min(1-left(float64(i+1)/float64(n))/left(float64(i)/float64(n)), 0.999))
		}
	default:
		linspace32(betas, c.BetaStart, c.BetaEnd)
	}
	return betas
}

// shareLeft are the shares of x0 in the variance at a part of the training
// timesteps that betas are made to give.
var shareLeft = map[string]func(t float64) float64{
	"squaredcos_cap_v2": func(t float64) float64 { // Nichol and Dhariwal 2021, equation 17
		v := math.Cos((t + 0.008) / 1.008 * math.Pi / 2)
		return v * v
	},
	"exp": func(t float64) float64 { return math.Exp(t * -12) },
	"laplace": func(t float64) float64 { // Hang et al. 2024
		snr := math.Exp(-0.5 * math.Copysign(1, 0.5-t) * math.Log(1-2*math.Abs(0.5-t)+1e-6))
		return math.Sqrt(snr / (1 + snr))
	},
}

// linspace32 sets out to numbers from a to b as torch.linspace does: from both
// ends, with fused multiply-adds.
func linspace32(out []float32, from, to float64) {
	n := len(out)
	a, b := float32(from), float32(to)
	if n == 1 {
		out[0] = a
		return
	}
	step := (b - a) / float32(n-1)
	for i := range out {
		out[i] = fma32(step, float32(i), a)
		if i >= n/2 {
			out[i] = fma32(-step, float32(n-1-i), b)
		}
	}
}

// sdxlTraining are the noise levels of SDXL's timesteps.
var sdxlTraining = sync.OnceValue(func() *training {
	c := DefaultConfig()
	t, err := c.training()
	if err != nil {
		panic(err) // its betas are numbers between 0 and 1
	}
	return t
})

// unlike returns the noise levels, or nil if they are those of another.
func (t *training) unlike(other *training) []float64 {
	if slices.Equal(t.exact, other.exact) {
		return nil
	}
	return t.exact
}
