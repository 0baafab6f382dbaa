package sched

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// class is what a scheduler of diffusers is here.
type class struct {
	sampler  string
	schedule string // where none is asked for
	defaults string // the fields of its configuration whose defaults are not EmptyConfig's
	solver   bool   // has the noise levels of DPMSolverMultistepScheduler
	vp       bool   // works in variance-preserving space
	lowest   bool   // ends at the lowest noise level
	lowEnd   bool   // lower_order_final concerns runs of any length
	orders   bool   // rises to solver_order
}

// distilled are the defaults of the schedulers of consistency models.
const distilled = `{"timestep_spacing":"leading","beta_start":0.00085,"beta_end":0.012,"beta_schedule":"scaled_linear"}`

var classes = map[string]class{
	"EulerDiscreteScheduler":          {sampler: "euler"},
	"EulerAncestralDiscreteScheduler": {sampler: "euler_a"},
	"HeunDiscreteScheduler":           {sampler: "heun"},
	"KDPM2DiscreteScheduler":          {sampler: "dpm_2"},
	"KDPM2AncestralDiscreteScheduler": {sampler: "dpm_2_a"},
	"LMSDiscreteScheduler":            {sampler: "lms"},
	"DDIMScheduler":                   {sampler: "ddim", vp: true},
	"DDPMScheduler":                   {sampler: "euler_a"},
	"EDMEulerScheduler":               {sampler: "euler"},
	"EDMDPMSolverMultistepScheduler":  {sampler: "dpmpp_2m", solver: true},
	"DPMSolverSDEScheduler":           {sampler: "dpmpp_sde"},
	"DPMSolverMultistepScheduler":     {sampler: "dpmpp_2m", solver: true, vp: true},
	"DEISMultistepScheduler":          {sampler: "deis", solver: true, vp: true, lowest: true, orders: true, defaults: `{"algorithm_type":"deis","solver_type":"logrho"}`},
	"UniPCMultistepScheduler":         {sampler: "uni_pc_bh2", solver: true, vp: true, lowEnd: true, orders: true, defaults: `{"solver_type":"bh2"}`},
	"SASolverScheduler":               {sampler: "sa_solver", solver: true, vp: true, lowest: true, lowEnd: true, defaults: `{"algorithm_type":"data_prediction"}`},
	"PNDMScheduler":                   {sampler: "plms", vp: true, defaults: `{"timestep_spacing":"leading","set_alpha_to_one":false}`},
	"LCMScheduler":                    {sampler: "lcm", schedule: "lcm", vp: true, defaults: distilled},
	"TCDScheduler":                    {sampler: "tcd", schedule: "lcm", vp: true, lowest: true, defaults: distilled},
}

// UnmarshalJSON leaves fields that the text lacks as they are, or as its class
// has them by default.
func (c *Config) UnmarshalJSON(data []byte) error {
	type plain Config
	var named struct {
		Class string `json:"_class_name"`
	}
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	if defaults := classes[named.Class].defaults; defaults != "" {
		if err := json.Unmarshal([]byte(defaults), (*plain)(c)); err != nil {
			return err
		}
	}
	return json.Unmarshal(data, (*plain)(c))
}

// class returns what the configuration's scheduler is, and what of it is not supported.
func (c *Config) class() (class, error) {
	k, ok := classes[c.Class]
	if !ok {
		return k, fmt.Errorf("sched: _class_name %s is not supported, want %s; or name a sampler: %s",
			c.Class, strings.Join(slices.Sorted(maps.Keys(classes)), ", "), strings.Join(SamplerNames(), ", "))
	}
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("sched: "+format, args...))
		}
	}
	switch c.Class {
	case "DPMSolverMultistepScheduler":
		if c.Algorithm == "sde-dpmsolver++" {
			k.sampler = "dpmpp_2m_sde"
			want(c.Solver == "midpoint" || c.Solver == "heun", "solver_type is %q, want midpoint or heun", c.Solver)
			want(c.SolverOrder == 2, "solver_order is %d, want 2", c.SolverOrder)
			if c.Solver == "heun" {
				k.sampler = "dpmpp_2m_sde_heun"
			}
		}
	case "UniPCMultistepScheduler":
		want(c.PredictX0, "predict_x0 is false, want true")
		want(len(c.DisableCorrector) == 0, "disable_corrector names %d steps, want none", len(c.DisableCorrector))
		if c.Solver == "bh1" {
			k.sampler = "uni_pc"
		}
	case "SASolverScheduler":
		want(c.PredictorOrder == 2 && c.CorrectorOrder == 2, "predictor_order is %d and corrector_order %d, want 2", c.PredictorOrder, c.CorrectorOrder)
		want(c.between() == nil, "use_%s_sigmas is true, want false beside _class_name %s", c.scheduleName(), c.Class)
		want(c.Algorithm == "data_prediction", "algorithm_type is %q, want data_prediction", c.Algorithm)
	case "PNDMScheduler":
		want(c.PredictionType == string(Epsilon), "prediction_type is %q, want epsilon beside _class_name %s", c.PredictionType, c.Class)
		want(c.SkipPRK, "skip_prk_steps is false, want true")
		want(c.TimestepSpacing == "leading", "timestep_spacing is %q, want leading beside _class_name %s", c.TimestepSpacing, c.Class)
	case "LCMScheduler", "TCDScheduler":
		want(c.OriginalSteps == lcmTimes, "original_inference_steps is %d, want %d", c.OriginalSteps, lcmTimes)
	}
	if k.orders {
		want(c.SolverOrder >= 1 && c.SolverOrder <= MaxOrder, "solver_order is %d, want 1 to %d", c.SolverOrder, MaxOrder)
	}
	return k, errors.Join(errs...)
}

// validateSolver names the fields of the solvers' configurations that are not supported.
func (c *Config) validateSolver() (errs []error) {
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"use_lu_lambdas", c.UseLu}, {"use_flow_sigmas", c.UseFlow}, {"thresholding", c.Thresholding}, {"use_dynamic_shifting", c.DynamicShifting},
	} {
		if f.on {
			errs = append(errs, fmt.Errorf("%s is true, want false", f.name))
		}
	}
	if c.LambdaMinClipped != nil {
		errs = append(errs, fmt.Errorf("lambda_min_clipped is %g, want none", *c.LambdaMinClipped))
	}
	if v := c.VarianceType; v != nil && strings.HasPrefix(*v, "learned") {
		errs = append(errs, fmt.Errorf("variance_type is %q, want a fixed one or null", *v))
	}
	return errs
}
