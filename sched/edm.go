package sched

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The deviation of the data that networks of Karras et al. 2022 were trained
// with: in Playground v2.5, and in CosXL, which predicts v.
const (
	edmData  = 0.5
	edmVData = 1.0
)

// isEDM reports whether the configuration is of the reference's schedulers of
// Karras et al. 2022.
func (c *Config) isEDM() bool { return strings.HasPrefix(c.Class, "EDM") }

// prediction returns what the network's output means.
func (c *Config) prediction() Prediction {
	switch p := Prediction(c.PredictionType); {
	case !c.isEDM():
		return p
	case p == VPrediction:
		return EDMV
	}
	return EDM
}

// validateEDM names the fields of such a configuration that are not supported.
func (c *Config) validateEDM() (errs []error) {
	data := edmData
	if c.PredictionType == string(VPrediction) {
		data = edmVData
	}
	if !slices.Contains([]string{string(Epsilon), string(VPrediction)}, c.PredictionType) {
		errs = append(errs, fmt.Errorf("prediction_type is %q, want epsilon or v_prediction", c.PredictionType))
	}
	if v := c.SigmaData; v != nil && *v != data {
		errs = append(errs, fmt.Errorf("sigma_data is %g, want %g beside prediction_type %s", *v, data, c.PredictionType))
	}
	if v := c.SigmaSchedule; v != "" && v != "karras" && v != "exponential" {
		errs = append(errs, fmt.Errorf("sigma_schedule is %q, want karras or exponential", v))
	}
	if v := c.Rho; v != nil && !(*v >= 1 && *v <= 100) {
		errs = append(errs, fmt.Errorf("rho is %g, want 1 to 100", *v))
	}
	if lo, hi := c.edmBounds(); !(hi >= lo) {
		errs = append(errs, fmt.Errorf("sigma_max %.6g is below sigma_min %.6g", hi, lo))
	}
	return errs
}

// edmBounds returns the lowest and the highest noise level.
func (c *Config) edmBounds() (lo, hi float64) { return c.bounds(0.002, 80) }

// edmSigmas returns the noise levels of n steps, without the end.
func (c *Config) edmSigmas(n int) []float64 {
	lo, hi := c.edmBounds()
	if c.scheduleName() == "exponential" {
		return exponentialBetween(lo, hi, n)
	}
	if c.Rho != nil {
		return karrasRho(lo, hi, n, *c.Rho)
	}
	return karras(lo, hi, n)
}

// edmTime is what such a network is told at a noise level.
func edmTime(sigma float64) float64 { return math.Log(sigma) / 4 }
