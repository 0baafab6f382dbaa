package sched

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// internal/golden/gen/class_refs.py made the file with diffusers.
func TestClassesAgainstDiffusers(t *testing.T) {
	refs := read[[]struct {
		Config                  json.RawMessage
		Steps                   int
		Sigmas, Timesteps, Last []float64
	}](t, "classes.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		c := EmptyConfig()
		require.NoError(t, json.Unmarshal(r.Config, &c))
		s, err := c.New(Overrides{}, r.Steps)
		require.NoError(t, err, "%s", r.Config)
		if r.Sigmas != nil {
			requireRelative(t, r.Sigmas, s.Sigmas, 2e-6)
		}
		if s.Sampler.Name == "plms" {
			r.Timesteps = slices.Insert(r.Timesteps, 1, r.Timesteps[1]) // the first step's second look, which the file leaves out
		}
		require.InDeltaSlice(t, r.Timesteps, s.Timesteps, 1e-4, "%s", r.Config) // levels are in float32
		noise, x := NewTorchNoise(5), make([]float32, len(r.Last))
		noise.Normal(x)
		for i := range x {
			x[i] *= float32(s.FirstScale())
		}
		network := func(_ context.Context, out, in []float32, time float64) error {
			for i, v := range in {
				out[i] = float32(0.7*math.Tanh(float64(v)) - 0.3*float64(v) + 0.05*time)
			}
			return nil
		}
		run := NewRun(s, x, 1)
		run.Noise, run.Denoise = noise, NewDenoise(network, s.Prediction, s.Time, len(x))
		if s.Sampler.Name == "tcd" {
			run.Eta = new(0.3) // the class's own, and not the pipelines'
		}
		require.NoError(t, s.Sampler.F32(context.Background(), run))
		scale := float32(s.LatentScale(len(s.Timesteps) - 1))
		greatest := max(1, slices.Max(r.Last), -slices.Min(r.Last))
		for i, want := range r.Last {
			require.InDelta(t, want, x[i]*scale, 1e-4*greatest, "%s, %d steps, number %d", r.Config, r.Steps, i)
		}
	}
}

func TestClassFaults(t *testing.T) {
	for text, want := range map[string]string{
		`{"_class_name":"FlowMatchEulerDiscreteScheduler"}`:                                                                               "_class_name FlowMatchEulerDiscreteScheduler is not supported, want DDIM",
		`{"_class_name":"EulerDiscreteScheduler","beta_schedule":"cosine"}`:                                                               `beta_schedule is "cosine", want scaled_linear or linear or squaredcos_cap_v2`,
		`{"_class_name":"EulerDiscreteScheduler","beta_start":0}`:                                                                         "beta_start is 0, want a number between 0 and 1",
		`{"_class_name":"EulerDiscreteScheduler","num_train_timesteps":1}`:                                                                "num_train_timesteps is 1, want 2 to 65536",
		`{"_class_name":"EulerDiscreteScheduler","trained_betas":[0.1,0.3]}`:                                                              "trained_betas has 2 values, want num_train_timesteps 1000",
		`{"_class_name":"EulerDiscreteScheduler","interpolation_type":"cubic"}`:                                                           `interpolation_type is "cubic", want linear or log_linear`,
		`{"_class_name":"EulerDiscreteScheduler","timestep_type":"odd"}`:                                                                  `timestep_type is "odd", want discrete or continuous`,
		`{"_class_name":"EulerDiscreteScheduler","use_karras_sigmas":true,"use_beta_sigmas":true}`:                                        "want one of them at most",
		`{"_class_name":"EulerDiscreteScheduler","use_karras_sigmas":true,"sigma_max":0.01}`:                                              "sigma_max 0.01 is below sigma_min",
		`{"_class_name":"EulerDiscreteScheduler","sigma_min":-1}`:                                                                         "sigma_min is -1, want a positive number",
		`{"_class_name":"EulerAncestralDiscreteScheduler","timestep_spacing":"even"}`:                                                     `timestep_spacing is "even", want leading or linspace or trailing`,
		`{"_class_name":"PNDMScheduler"}`:                                                                                                 "3 steps beside _class_name PNDMScheduler, want 4 or more, or skip_prk_steps true",
		`{"_class_name":"PNDMScheduler","skip_prk_steps":true,"prediction_type":"sample"}`:                                                `prediction_type is "sample" beside _class_name PNDMScheduler, want epsilon or v_prediction`,
		`{"_class_name":"IPNDMScheduler","trained_betas":[0.1,0.2]}`:                                                                      "trained_betas",
		`{"_class_name":"DDIMScheduler","rescale_betas_zero_snr":true,"timestep_spacing":"trailing","clip_sample":false}`:                 "rescale_betas_zero_snr is true beside prediction_type epsilon",
		`{"_class_name":"DDIMScheduler","steps_offset":400}`:                                                                              "leading with steps_offset 400, have timestep 1066 of 1000",
		`{"_class_name":"DDIMScheduler","clip_sample_range":-1}`:                                                                          "clip_sample_range is -1",
		`{"_class_name":"DDIMScheduler","thresholding":true,"dynamic_thresholding_ratio":2}`:                                              "dynamic_thresholding_ratio is 2, want 0 to 1",
		`{"_class_name":"DDIMScheduler","thresholding":true,"sample_max_value":0}`:                                                        "sample_max_value is 0, want a positive number",
		`{"_class_name":"DDPMScheduler","variance_type":"learned_range"}`:                                                                 `variance_type is "learned_range", want a fixed one or null`,
		`{"_class_name":"DDPMScheduler","variance_type":"fixed_large_log"}`:                                                               `variance_type is "fixed_large_log", want fixed_small`,
		`{"_class_name":"DEISMultistepScheduler","solver_order":4}`:                                                                       "solver_order is 4, want 1 to 3",
		`{"_class_name":"UniPCMultistepScheduler","solver_order":0}`:                                                                      "solver_order is 0, want 1 to 6",
		`{"_class_name":"UniPCMultistepScheduler","solver_p":{"a":1}}`:                                                                    "solver_p is set, want null",
		`{"_class_name":"UniPCMultistepScheduler","shift_terminal":0.1}`:                                                                  "shift_terminal is 0.1, want null",
		`{"_class_name":"UniPCMultistepScheduler","use_dynamic_shifting":true}`:                                                           "use_dynamic_shifting is true, want false",
		`{"_class_name":"SASolverScheduler","predictor_order":5}`:                                                                         "predictor_order is 5 and corrector_order 2, want 1 to 4",
		`{"_class_name":"SASolverScheduler","tau_func":"one"}`:                                                                            "tau_func is set, want null",
		`{"_class_name":"SASolverScheduler","algorithm_type":"noise_prediction","thresholding":true}`:                                     "thresholding is true beside algorithm_type noise_prediction",
		`{"_class_name":"TCDScheduler","original_inference_steps":2}`:                                                                     "3 steps, want at most original_inference_steps 2",
		`{"_class_name":"LCMScheduler","original_inference_steps":2000}`:                                                                  "original_inference_steps is 2000, want 1 to num_train_timesteps 1000",
		`{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"dpmsolver"}`:                                                      `final_sigmas_type is "zero" beside algorithm_type dpmsolver, want sigma_min`,
		`{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver","final_sigmas_type":"sigma_min","solver_order":3}`: "solver_order is 3 beside algorithm_type sde-dpmsolver, want 1 or 2",
		`{"_class_name":"DPMSolverSinglestepScheduler","algorithm_type":"sde-dpmsolver"}`:                                                 `algorithm_type is "sde-dpmsolver", want`,
		`{"_class_name":"DPMSolverMultistepScheduler","use_flow_sigmas":true}`:                                                            "use_flow_sigmas is true, want false",
		`{"_class_name":"DPMSolverMultistepScheduler","prediction_type":"flow_prediction"}`:                                               `prediction_type is "flow_prediction" beside`,
		`{"_class_name":"DPMSolverMultistepScheduler","final_sigmas_type":"one"}`:                                                         `final_sigmas_type is "one", want zero or sigma_min`,
		`{"_class_name":"DPMSolverMultistepScheduler","lambda_min_clipped":9}`:                                                            "lambda_min_clipped is 9, want less",
	} {
		var c Config
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		_, err := c.New(Overrides{}, 3)
		require.ErrorContains(t, err, want, text)
	}
}

// What is written is read again, for the class itself and for others.
func TestConfigsKeep(t *testing.T) {
	for _, text := range []string{sdxlConfig, `{"_class_name":"DDIMScheduler","timestep_spacing":"trailing"}`, `{"_class_name":"EDMEulerScheduler","rho":5}`, `{"_class_name":"SASolverScheduler"}`} {
		var c, again Config
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		data, err := json.Marshal(c)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &again))
		for _, sampler := range []string{"", "deis", "uni_pc", "dpmpp_2m", "ddpm"} {
			want, err := c.New(Overrides{Sampler: sampler}, 5)
			require.NoError(t, err)
			got, err := again.New(Overrides{Sampler: sampler}, 5)
			require.NoError(t, err)
			if sampler == "" {
				require.Equal(t, want.Sigmas, got.Sigmas, text)
			}
			require.NotContains(t, string(data), "solver_order")
		}
	}
}
