package sched

import (
	"math"
	"strings"
)

// isEDM reports whether the configuration is of the reference's schedulers of
// Karras et al. 2022.
func (c *Config) isEDM() bool { return isEDM(c.Class) }

func isEDM(class string) bool { return strings.HasPrefix(class, "EDM") }

// prediction returns what the network's output means.
func (c *Config) prediction() Prediction {
	p := Prediction(c.PredictionType)
	switch {
	case c.has(angles):
		return VPrediction
	case p == "original_sample":
		return Sample
	case !c.isEDM():
		return p
	}
	return EDMPrediction(p == VPrediction, c.SigmaData)
}

// edmBounds returns the lowest and the highest noise level.
func (c *Config) edmBounds() (lo, hi float64) { return c.bounds(0.002, 80) }

// edmSigmas returns the noise levels of n steps, without the end.
func (c *Config) edmSigmas(n int) []float64 {
	lo, hi := c.edmBounds()
	if c.SigmaSchedule == "exponential" {
		if n == 1 {
			return []float64{lo} // from which the reference counts up
		}
		return exponentialBetween(lo, hi, n)
	}
	if !c.has(multistepEDM) {
		return karrasRho(lo, hi, n, c.Rho)
	}
	// Which the reference has in float32.
	ramp, out := make([]float32, n), make([]float64, n)
	linspace32(ramp, 0, 1)
	a, b := math.Pow(hi, 1/c.Rho), math.Pow(lo, 1/c.Rho)
	for i, r := range ramp {
		out[i] = float64(float32(math.Pow(float64(float32(float32(a)+float32(r*float32(b-a)))), c.Rho)))
	}
	return out
}

// edmTime is the time given to such a network at a noise level.
func edmTime(sigma float64) float64 { return math.Log(sigma) / 4 }
