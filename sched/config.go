package sched

import "encoding/json"

// Config is a scheduler_config.json of diffusers. What a file leaves out is
// what its class has by default, so decode one with json.Unmarshal.
type Config struct {
	Class                    string          `json:"_class_name"`
	TrainTimesteps           int             `json:"num_train_timesteps"`
	BetaStart                float64         `json:"beta_start"`
	BetaEnd                  float64         `json:"beta_end"`
	BetaSchedule             string          `json:"beta_schedule"`
	TrainedBetas             []float64       `json:"trained_betas"`
	PredictionType           string          `json:"prediction_type"`
	TimestepSpacing          string          `json:"timestep_spacing"`
	StepsOffset              int             `json:"steps_offset"`
	UseKarras                bool            `json:"use_karras_sigmas"`
	UseExponential           bool            `json:"use_exponential_sigmas"`
	UseBeta                  bool            `json:"use_beta_sigmas"`
	UseLu                    bool            `json:"use_lu_lambdas"`
	UseFlow                  bool            `json:"use_flow_sigmas"`
	FlowShift                float64         `json:"flow_shift"`
	SigmaMin                 *float64        `json:"sigma_min"`
	SigmaMax                 *float64        `json:"sigma_max"`
	FinalSigmas              string          `json:"final_sigmas_type"`
	Interpolation            string          `json:"interpolation_type"`
	TimestepType             string          `json:"timestep_type"`
	RescaleBetasZeroSNR      bool            `json:"rescale_betas_zero_snr"`
	SolverOrder              int             `json:"solver_order"`
	Algorithm                string          `json:"algorithm_type"`
	Solver                   string          `json:"solver_type"`
	LowerOrderFinal          bool            `json:"lower_order_final"`
	EulerAtFinal             bool            `json:"euler_at_final"`
	ClipSample               bool            `json:"clip_sample"` // the estimate of x0, to ClipSampleRange on both sides of 0
	ClipSampleRange          float64         `json:"clip_sample_range"`
	Thresholding             bool            `json:"thresholding"` // the estimate of x0 by its own quantile (Saharia et al. 2022)
	DynamicThresholdingRatio float64         `json:"dynamic_thresholding_ratio"`
	SampleMaxValue           float64         `json:"sample_max_value"`
	DynamicShifting          bool            `json:"use_dynamic_shifting"`
	TimeShiftType            string          `json:"time_shift_type"`
	ShiftTerminal            *float64        `json:"shift_terminal"`
	LambdaMinClipped         *float64        `json:"lambda_min_clipped"` // Python's -Infinity is null here
	VarianceType             *string         `json:"variance_type"`
	SetAlphaToOne            bool            `json:"set_alpha_to_one"`   // of DDIM and PNDM: the last step ends at 0
	SkipPRK                  bool            `json:"skip_prk_steps"`     // of PNDM
	NoiseSamplerSeed         *int64          `json:"noise_sampler_seed"` // of the solver of the SDE: its Brownian motion, whatever the picture's seed
	PredictX0                bool            `json:"predict_x0"`         // of UniPC
	DisableCorrector         []int           `json:"disable_corrector"`
	SolverP                  json.RawMessage `json:"solver_p"`
	PredictorOrder           int             `json:"predictor_order"` // of SA-Solver
	CorrectorOrder           int             `json:"corrector_order"`
	TauFunc                  json.RawMessage `json:"tau_func"`
	OriginalSteps            int             `json:"original_inference_steps"` // of LCM and TCD
	TimestepScaling          float64         `json:"timestep_scaling"`
	SigmaData                float64         `json:"sigma_data"` // of EDM
	SigmaSchedule            string          `json:"sigma_schedule"`
	Rho                      float64         `json:"rho"`

	given map[string]bool // the fields that a file has
	read  string          // the class whose defaults stand for the others
}

// sdxlConfig is the file beside SDXL base 1.0.
const sdxlConfig = `{"_class_name":"EulerDiscreteScheduler","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,"clip_sample":false,` +
	`"interpolation_type":"linear","num_train_timesteps":1000,"prediction_type":"epsilon","sample_max_value":1.0,"set_alpha_to_one":false,` +
	`"skip_prk_steps":true,"steps_offset":1,"timestep_spacing":"leading","trained_betas":null,"use_karras_sigmas":false}`

// DefaultConfig is what the reference takes for an SDXL checkpoint that comes
// without a scheduler_config.json.
func DefaultConfig() Config {
	var c Config
	if err := json.Unmarshal([]byte(sdxlConfig), &c); err != nil {
		panic(err) // the text is above
	}
	return c
}

// EmptyConfig is what an empty scheduler_config.json means.
func EmptyConfig() Config {
	c := defaults("EulerDiscreteScheduler")
	c.given = map[string]bool{}
	return c
}
