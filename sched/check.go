package sched

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// maxTrainTimesteps bounds the memory that a configuration can ask for.
const maxTrainTimesteps = 1 << 16

// faults collects what is wrong with a configuration, by the names of fields.
type faults struct{ errs []error }

// want adds a fault unless ok.
func (f *faults) want(ok bool, format string, args ...any) {
	if !ok {
		f.errs = append(f.errs, fmt.Errorf("sched: "+format, args...))
	}
}

// oneOf wants one of some values.
func (f *faults) oneOf(field, value string, allowed ...string) {
	f.want(slices.Contains(allowed, value), "%s is %q, want %s", field, value, strings.Join(allowed, " or "))
}

// validate names every field that asks for something else than its class has,
// or than this package does.
func (c *Config) validate(k class) error {
	var e faults
	reads := accepted(c.Class)
	if reads["beta_schedule"] && c.TrainedBetas == nil {
		e.oneOf("beta_schedule", c.BetaSchedule, append([]string{"scaled_linear", "linear", "squaredcos_cap_v2"}, k.betas...)...)
	}
	if reads["prediction_type"] {
		predictions := k.predictions
		if predictions == nil {
			predictions = []string{"epsilon", "v_prediction", "sample"}
		}
		e.want(slices.Contains(predictions, c.PredictionType), "prediction_type is %q beside _class_name %s, want %s",
			c.PredictionType, c.Class, strings.Join(predictions, " or "))
	}
	if reads["timestep_spacing"] {
		e.oneOf("timestep_spacing", c.TimestepSpacing, "leading", "linspace", "trailing")
	}
	if reads["final_sigmas_type"] {
		e.oneOf("final_sigmas_type", c.FinalSigmas, "zero", "sigma_min")
	}
	e.want(c.TrainTimesteps >= 2 && c.TrainTimesteps <= maxTrainTimesteps, "num_train_timesteps is %d, want 2 to %d",
		c.TrainTimesteps, maxTrainTimesteps)
	c.checkBetas(&e, reads)
	for _, v := range []struct {
		field string
		sigma *float64
	}{{"sigma_min", c.SigmaMin}, {"sigma_max", c.SigmaMax}} {
		e.want(v.sigma == nil || *v.sigma > 0 && *v.sigma <= math.MaxFloat32, "%s is %g, want a positive number",
			v.field, or(v.sigma, 0))
	}
	shapes := 0
	for _, on := range []bool{c.UseKarras, c.UseExponential, c.UseBeta} {
		if on {
			shapes++
		}
	}
	e.want(shapes < 2, "use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas are %t, %t and %t, want one of them at most", c.UseKarras, c.UseExponential, c.UseBeta)
	e.want(!c.UseFlow, "use_flow_sigmas is true, want false: it is for models of flow matching, which SDXL is not")
	e.want(!c.DynamicShifting, "use_dynamic_shifting is true, want false: it is for models of flow matching")
	e.want(isNull(c.SolverP), "solver_p is set, want null: a scheduler inside a scheduler is not supported")
	e.want(isNull(c.TauFunc), "tau_func is set, want null: a file cannot hold a function")
	if v := c.VarianceType; v != nil {
		e.want(!strings.HasPrefix(*v, "learned"), "variance_type is %q, want a fixed one or null: SDXL's networks learn none", *v)
	}
	if c.ClipSample {
		e.want(c.ClipSampleRange >= 0, "clip_sample_range is %g, want a number of 0 or more", c.ClipSampleRange)
	}
	if c.Thresholding {
		e.want(c.DynamicThresholdingRatio >= 0 && c.DynamicThresholdingRatio <= 1, "dynamic_thresholding_ratio is %g, want 0 to 1",
			c.DynamicThresholdingRatio)
		e.want(c.SampleMaxValue > 0, "sample_max_value is %g, want a positive number", c.SampleMaxValue)
	}
	if k.check != nil {
		k.check(c, &e)
	}
	return errors.Join(e.errs...)
}

func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }

// or returns what a pointer leads to, or a value.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func (c *Config) checkBetas(e *faults, reads map[string]bool) {
	inside := func(field string, beta float64) {
		e.want(beta > 0 && beta < 1, "%s is %g, want a number between 0 and 1", field, beta)
	}
	if reads["beta_start"] && c.TrainedBetas == nil {
		inside("beta_start", c.BetaStart)
		inside("beta_end", c.BetaEnd)
	}
	for i, beta := range c.TrainedBetas {
		inside(fmt.Sprintf("trained_betas[%d]", i), beta)
	}
	if n := len(c.TrainedBetas); c.TrainedBetas != nil {
		e.want(n == c.TrainTimesteps, "trained_betas has %d values, want num_train_timesteps %d", n, c.TrainTimesteps)
	}
}

func checkEuler(c *Config, e *faults) {
	e.oneOf("interpolation_type", c.Interpolation, "linear", "log_linear")
	e.oneOf("timestep_type", c.TimestepType, "discrete", "continuous")
}

func checkIPNDM(c *Config, e *faults) {
	e.want(c.TrainedBetas == nil, "trained_betas is set beside _class_name %s, want null: it has angles of its own", c.Class)
}

func checkDDPM(c *Config, e *faults) {
	v := or(c.VarianceType, "")
	e.want(v != "fixed_large_log",
		"variance_type is %q, want fixed_small, fixed_small_log or fixed_large: its noise is no number in diffusers", v)
}

// Orders that a configuration can ask for. UniPC's and SA-Solver's are those of
// interpolations, and the higher ones are of no use.
const mostOrder = 6

func checkOrder(c *Config, e *faults) {
	e.want(c.SolverOrder >= 1 && c.SolverOrder <= MaxOrder, "solver_order is %d, want 1 to %d", c.SolverOrder, MaxOrder)
}

func checkDPM(c *Config, e *faults) {
	checkOrder(c, e)
	algorithms := []string{"dpmsolver++", "sde-dpmsolver++", "dpmsolver", "deis"} // the last is for dpmsolver++ there
	if c.has(noiseSDE) {
		algorithms = append(algorithms, "sde-dpmsolver")
	}
	e.oneOf("algorithm_type", c.Algorithm, algorithms...)
	e.oneOf("solver_type", c.Solver, "midpoint", "heun", "logrho", "bh1", "bh2") // the last three are for midpoint there
	if c.Algorithm == "dpmsolver" || c.Algorithm == "sde-dpmsolver" {
		e.want(c.FinalSigmas != "zero", "final_sigmas_type is %q beside algorithm_type %s, want sigma_min", c.FinalSigmas, c.Algorithm)
	}
	e.want(c.Algorithm != "sde-dpmsolver" || c.SolverOrder < 3,
		"solver_order is %d beside algorithm_type sde-dpmsolver, want 1 or 2: diffusers has no third", c.SolverOrder)
}

func checkUniPC(c *Config, e *faults) {
	e.want(c.SolverOrder >= 1 && c.SolverOrder <= mostOrder, "solver_order is %d, want 1 to %d", c.SolverOrder, mostOrder)
	e.oneOf("solver_type", c.Solver, "bh1", "bh2", "midpoint", "heun", "logrho") // the last three are for bh2 there
	e.want(c.ShiftTerminal == nil, "shift_terminal is %g, want null: it is for models of flow matching", or(c.ShiftTerminal, 0))
}

func checkSA(c *Config, e *faults) {
	e.oneOf("algorithm_type", c.Algorithm, "data_prediction", "noise_prediction")
	e.want(min(c.PredictorOrder, c.CorrectorOrder) >= 1 && max(c.PredictorOrder, c.CorrectorOrder) <= 4,
		"predictor_order is %d and corrector_order %d, want 1 to 4", c.PredictorOrder, c.CorrectorOrder)
	e.want(!c.Thresholding || c.Algorithm != "noise_prediction",
		"thresholding is true beside algorithm_type noise_prediction, want false: diffusers fails there")
}

func checkEDM(c *Config, e *faults) {
	e.want(c.SigmaData > 0 && c.SigmaData <= math.MaxFloat32, "sigma_data is %g, want a positive number", c.SigmaData)
	e.oneOf("sigma_schedule", c.SigmaSchedule, "karras", "exponential")
	e.want(c.Rho >= 1 && c.Rho <= 100, "rho is %g, want 1 to 100", c.Rho)
	lo, hi := c.edmBounds()
	e.want(hi >= lo, "sigma_max %.6g is below sigma_min %.6g", hi, lo)
	if !c.has(multistepEDM) {
		return
	}
	checkOrder(c, e)
	e.oneOf("algorithm_type", c.Algorithm, "dpmsolver++", "sde-dpmsolver++", "deis")
	e.oneOf("solver_type", c.Solver, "midpoint", "heun", "logrho", "bh1", "bh2")
	e.want(c.Algorithm != "sde-dpmsolver++" || c.SolverOrder < 3,
		"solver_order is %d beside algorithm_type sde-dpmsolver++ and _class_name %s, want 1 or 2: diffusers has no third there",
		c.SolverOrder, c.Class)
}
