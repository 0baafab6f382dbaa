package sched

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config is a scheduler_config.json of diffusers. Decode it over EmptyConfig.
type Config struct {
	Class               string    `json:"_class_name"`
	TrainTimesteps      int       `json:"num_train_timesteps"`
	BetaStart           float64   `json:"beta_start"`
	BetaEnd             float64   `json:"beta_end"`
	BetaSchedule        string    `json:"beta_schedule"`
	TrainedBetas        []float64 `json:"trained_betas"`
	PredictionType      string    `json:"prediction_type"`
	TimestepSpacing     string    `json:"timestep_spacing"`
	StepsOffset         int       `json:"steps_offset"`
	UseKarras           bool      `json:"use_karras_sigmas"`
	UseExponential      bool      `json:"use_exponential_sigmas"`
	UseBeta             bool      `json:"use_beta_sigmas"`
	UseLu               bool      `json:"use_lu_lambdas"`
	UseFlow             bool      `json:"use_flow_sigmas"`
	SigmaMin            *float64  `json:"sigma_min"`
	SigmaMax            *float64  `json:"sigma_max"`
	FinalSigmas         string    `json:"final_sigmas_type"`
	Interpolation       string    `json:"interpolation_type"`
	TimestepType        string    `json:"timestep_type"`
	RescaleBetasZeroSNR bool      `json:"rescale_betas_zero_snr"`
	SolverOrder         int       `json:"solver_order"`
	Algorithm           string    `json:"algorithm_type"`
	Solver              string    `json:"solver_type"`
	LowerOrderFinal     bool      `json:"lower_order_final"`
	EulerAtFinal        bool      `json:"euler_at_final"`
	Thresholding        bool      `json:"thresholding"`
	DynamicShifting     bool      `json:"use_dynamic_shifting"`
	LambdaMinClipped    *float64  `json:"lambda_min_clipped"` // Python's -Infinity is null here
	VarianceType        *string   `json:"variance_type"`
	SetAlphaToOne       bool      `json:"set_alpha_to_one"` // of DDIM and PNDM: the last step ends at 0
	SkipPRK             bool      `json:"skip_prk_steps"`   // of PNDM
	PredictX0           bool      `json:"predict_x0"`       // of UniPC
	DisableCorrector    []int     `json:"disable_corrector"`
	PredictorOrder      int       `json:"predictor_order"` // of SA-Solver
	CorrectorOrder      int       `json:"corrector_order"`
	OriginalSteps       int       `json:"original_inference_steps"` // of LCM and TCD
	SigmaData           *float64  `json:"sigma_data"`               // of EDM
	SigmaSchedule       string    `json:"sigma_schedule"`
	Rho                 *float64  `json:"rho"`
}

// DefaultConfig is what the reference takes for an SDXL checkpoint that comes
// without a scheduler_config.json.
func DefaultConfig() Config {
	c := EmptyConfig()
	c.BetaStart, c.BetaEnd, c.BetaSchedule = 0.00085, 0.012, "scaled_linear"
	c.TimestepSpacing, c.StepsOffset = "leading", 1
	return c
}

// EmptyConfig is what an empty scheduler_config.json means: the value of every
// field that a file leaves out.
func EmptyConfig() Config {
	return Config{
		Class: "EulerDiscreteScheduler", TrainTimesteps: 1000, BetaStart: 0.0001, BetaEnd: 0.02, BetaSchedule: "linear",
		PredictionType: "epsilon", TimestepSpacing: "linspace", FinalSigmas: "zero", Interpolation: "linear",
		TimestepType: "discrete", SolverOrder: 2, Algorithm: "dpmsolver++", Solver: "midpoint", LowerOrderFinal: true, SetAlphaToOne: true,
		PredictX0: true, PredictorOrder: 2, CorrectorOrder: 2, OriginalSteps: lcmTimes,
	}
}

// maxTrainTimesteps bounds the memory that a configuration can ask for.
const maxTrainTimesteps = 1 << 16

// validate names every field that asks for something else than this package does.
func (c *Config) validate(sampler string, solver bool) error {
	var errs []error
	want := func(field, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("%s is %q, want %s", field, value, strings.Join(allowed, " or ")))
		}
	}
	want("beta_schedule", c.BetaSchedule, "scaled_linear", "linear")
	want("prediction_type", c.PredictionType, string(Epsilon), string(VPrediction), string(Sample))
	want("timestep_spacing", c.TimestepSpacing, "leading", "linspace", "trailing")
	want("final_sigmas_type", c.FinalSigmas, "zero", "sigma_min")
	if c.TrainTimesteps < 2 || c.TrainTimesteps > maxTrainTimesteps {
		errs = append(errs, fmt.Errorf("num_train_timesteps is %d, want 2 to %d", c.TrainTimesteps, maxTrainTimesteps))
	}
	inside := func(field string, beta float64) {
		if !(beta > 0 && beta < 1) {
			errs = append(errs, fmt.Errorf("%s is %g, want a number between 0 and 1", field, beta))
		}
	}
	if c.TrainedBetas == nil {
		inside("beta_start", c.BetaStart)
		inside("beta_end", c.BetaEnd)
	}
	for i, beta := range c.TrainedBetas {
		inside(fmt.Sprintf("trained_betas[%d]", i), beta)
	}
	positive := func(field string, sigma *float64) {
		if sigma != nil && !(*sigma > 0 && *sigma <= math.MaxFloat32) {
			errs = append(errs, fmt.Errorf("%s is %g, want a positive number", field, *sigma))
		}
	}
	if c.isEDM() {
		errs = append(errs, c.validateEDM()...)
	}
	positive("sigma_min", c.SigmaMin)
	positive("sigma_max", c.SigmaMax)
	if n := len(c.TrainedBetas); c.TrainedBetas != nil && n != c.TrainTimesteps {
		errs = append(errs, fmt.Errorf("trained_betas has %d values, want num_train_timesteps %d", n, c.TrainTimesteps))
	}
	if solver {
		errs = append(errs, c.validateSolver()...)
	}
	switch sampler {
	case "dpmpp_2m":
		// The reference takes the names of its relatives, DEIS and UniPC, for its own.
		want("algorithm_type", c.Algorithm, "dpmsolver++", "deis")
		want("solver_type", c.Solver, "midpoint", "logrho", "bh1", "bh2")
		if c.SolverOrder != 2 {
			errs = append(errs, fmt.Errorf("solver_order is %d, want 2", c.SolverOrder))
		}
	case "euler", "heun", "dpm_2", "dpm_2_a", "dpmpp_2s_a", "lms", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde", "res_multistep", "uni_pc", "uni_pc_bh2",
		"ddim", "dpm_fast", "dpm_adaptive", "ipndm", "ipndm_v", "plms", "deis", "sa_solver", "restart", "exp_rk4", "lcm", "tcd":
		want("interpolation_type", c.Interpolation, "linear")
		if c.PredictionType == string(VPrediction) { // which alone the reference changes it for
			want("timestep_type", c.TimestepType, "discrete")
		}
	}
	return errors.Join(errs...)
}
