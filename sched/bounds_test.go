package sched

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUntilOfATail: where fewer steps are left than would be skipped, all run.
func TestUntilOfATail(t *testing.T) {
	s, err := DefaultConfig().New(Overrides{Sampler: "euler"}, 10)
	require.NoError(t, err)
	tail := s.From(0.3)
	require.Len(t, tail.Timesteps, 3)
	require.Len(t, tail.Until(0.2).Timesteps, 1)
	for _, skip := range []float64{0.3, 0.8, 0.99} {
		require.Same(t, tail, tail.Until(skip), "%g", skip)
	}
}

// TestNearestTimestepOfTwo: of two as near it is the lower one, as torch's argmin
// has it.
func TestNearestTimestepOfTwo(t *testing.T) {
	require.Equal(t, 0.0, Comfy.time([]float64{0, 2}, math.E))
	require.Equal(t, 1.0, Comfy.time([]float64{-9, 0, 2, 3}, math.E))
	require.Equal(t, 1.0, Comfy.time([]float64{0, 2}, math.E*1.01))
}

// TestSANoiseIsWithinItsTimesteps: tau is eta from 200 to 800, both included, and 0
// elsewhere: a draw of noise matters there alone.
func TestSANoiseIsWithinItsTimesteps(t *testing.T) {
	var c Config
	require.NoError(t, json.Unmarshal([]byte(`{"_class_name":"SASolverScheduler","beta_schedule":"scaled_linear","beta_start":0.00085,"beta_end":0.012,"timestep_spacing":"leading"}`), &c))
	s, err := c.New(Overrides{}, 9)
	require.NoError(t, err)
	require.Contains(t, s.Timesteps, 800.0)
	require.Contains(t, s.Timesteps, 200.0)
	for name, timesteps := range map[string][]float64{"by timesteps": s.Timesteps, "by levels": nil} {
		run := func(one int) []float64 {
			x := []float64{1, -2, 0.5}
			r := NewRun(s, x, 1)
			r.Timesteps, r.Noise, r.Denoise = timesteps, &oneDraw{one, 0}, denoiser[float64]("gaussian")
			require.NoError(t, SASolver(t.Context(), r))
			return x
		}
		without := run(-1)
		for i, time := range s.Timesteps[:len(s.Timesteps)-1] { // the last step goes to 0
			require.Equal(t, time >= 200 && time <= 800, !equal(without, run(i)), "%s: timestep %g", name, time)
		}
	}
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// oneDraw is noise of zeros, but for one draw, which is ones.
type oneDraw struct{ one, at int }

func (o *oneDraw) Normal(dst []float32) {
	clear(dst)
	if o.at == o.one {
		for i := range dst {
			dst[i] = 1
		}
	}
	o.at++
}

// TestSAOrders: each of the two orders is held to its bounds, and has an effect.
func TestSAOrders(t *testing.T) {
	run := func(orders string) []float64 {
		var c Config
		require.NoError(t, json.Unmarshal([]byte(`{"_class_name":"SASolverScheduler",`+orders+`}`), &c))
		s, err := c.New(Overrides{}, 8)
		if err != nil {
			require.ErrorContains(t, err, "want 1 to 4")
			return nil
		}
		x := []float32{10, -20, 5}
		r := NewRun(s, x, 1)
		r.Noise, r.Denoise = &oneDraw{-1, 0}, denoiser[float32]("gaussian")
		require.NoError(t, s.Sampler.F32(t.Context(), r))
		return []float64{float64(x[0]), float64(x[1]), float64(x[2])}
	}
	usual := run(`"predictor_order":2,"corrector_order":2`)
	require.NotNil(t, usual)
	for _, other := range []string{`"predictor_order":2,"corrector_order":1`, `"predictor_order":1,"corrector_order":2`, `"predictor_order":2,"corrector_order":3`, `"predictor_order":4,"corrector_order":4`} {
		got := run(other)
		require.NotNil(t, got, other)
		require.NotEqual(t, usual, got, other)
	}
	for _, bad := range []string{`"predictor_order":2,"corrector_order":0`, `"predictor_order":2,"corrector_order":5`, `"predictor_order":0,"corrector_order":2`, `"predictor_order":5,"corrector_order":2`} {
		require.Nil(t, run(bad), bad)
	}
}

// TestNoNoiseWithoutEta: what eta of 0 takes the noise from draws none, and needs
// no source.
func TestNoNoiseWithoutEta(t *testing.T) {
	ran := 0
	for _, name := range SamplerNames() {
		s, err := SamplerNamed(name)
		require.NoError(t, err)
		for _, eta := range []float64{0, 1} {
			draws := counter(0)
			r := func(n Noise) *Run[float32] {
				return &Run[float32]{X: []float32{3, -1, 2}, Sigmas: []float64{5, 2.5, 1, 0.4, 0}, Eta: &eta, Noise: n, Denoise: denoiser[float32]("gaussian")}
			}
			if s.F32(t.Context(), r(&draws)) != nil {
				continue // it takes no eta, or goes by timesteps
			}
			if eta != 0 && draws > 0 {
				require.ErrorIs(t, s.F32(t.Context(), r(nil)), ErrNoNoise, name)
			}
			if eta == 0 {
				ran++
				require.Zero(t, int(draws), name)
				require.NoError(t, s.F32(t.Context(), r(nil)), name)
			}
		}
	}
	require.Greater(t, ran, 8)
}

// counter counts draws of noise.
type counter int

func (c *counter) Normal(dst []float32) { *c++; clear(dst) }

// TestBoundsOfRestart: each of its numbers at its ends, and one past them.
func TestBoundsOfRestart(t *testing.T) {
	good := Restart{Min: 0.1, Max: 2, Steps: 1, Times: 0}
	for _, c := range []struct {
		change func(*Restart)
		ok     bool
	}{
		{func(*Restart) {}, true},
		{func(r *Restart) { r.Min = 0 }, false}, {func(r *Restart) { r.Min = 2 }, true}, {func(r *Restart) { r.Min = 2.01 }, false}, {func(r *Restart) { r.Min = math.NaN() }, false},
		{func(r *Restart) { r.Max = math.MaxFloat32 }, true}, {func(r *Restart) { r.Max = math.MaxFloat64 }, false}, {func(r *Restart) { r.Max = math.NaN() }, false},
		{func(r *Restart) { r.Steps = 0 }, false}, {func(r *Restart) { r.Steps = 999 }, true}, {func(r *Restart) { r.Steps = 1000 }, false},
		{func(r *Restart) { r.Times = -1 }, false}, {func(r *Restart) { r.Times = 1000 }, true}, {func(r *Restart) { r.Times = 1001 }, false},
	} {
		r := good
		c.change(&r)
		require.Equal(t, c.ok, r.Fault() == "", "%+v", r)
		require.Equal(t, c.ok, r.Check() == nil, "%+v", r)
	}
	require.Empty(t, (*Restart)(nil).Fault())
	require.Equal(t, Restart{Min: 0.1, Max: 2, Steps: 8, Times: 1}, defaultRestart(35))
	require.Equal(t, Restart{Min: 0.1, Max: 2, Steps: 9, Times: 2}, defaultRestart(36))
	require.Equal(t, 2, defaultRestart(3).Steps)
}

// TestBoundsOfConfigs: numbers of a configuration at their ends, and one past them.
func TestBoundsOfConfigs(t *testing.T) {
	for fields, ok := range map[string]bool{
		`"EulerDiscreteScheduler","beta_start":0`: false, `"EulerDiscreteScheduler","beta_start":1e-5`: true, `"EulerDiscreteScheduler","beta_end":1`: false, `"EulerDiscreteScheduler","beta_end":0.999,"num_train_timesteps":4`: true,
		`"EulerDiscreteScheduler","num_train_timesteps":4`: true, `"EulerDiscreteScheduler","num_train_timesteps":65536,"beta_start":1e-6,"beta_end":2e-6`: true, `"EulerDiscreteScheduler","num_train_timesteps":65537`: false,
		`"DPMSolverMultistepScheduler","solver_order":0`: false, `"DPMSolverMultistepScheduler","solver_order":1`: true, `"DPMSolverMultistepScheduler","solver_order":3`: true, `"DPMSolverMultistepScheduler","solver_order":4`: false,
		`"DPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver","final_sigmas_type":"sigma_min","solver_order":2`: true,
		`"UniPCMultistepScheduler","solver_order":1`: true, `"UniPCMultistepScheduler","solver_order":6`: true, `"UniPCMultistepScheduler","solver_order":7`: false,
		`"EDMEulerScheduler","sigma_data":0`: false, `"EDMEulerScheduler","sigma_data":0.1`: true, `"EDMEulerScheduler","sigma_data":1e39`: false,
		`"EDMEulerScheduler","rho":1`: true, `"EDMEulerScheduler","rho":0.99`: false, `"EDMEulerScheduler","rho":100`: true, `"EDMEulerScheduler","rho":101`: false,
		`"EDMEulerScheduler","sigma_min":1,"sigma_max":0.9`: false,
		`"EDMDPMSolverMultistepScheduler","solver_order":3`: true, `"EDMDPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver++","solver_order":3`: false, `"EDMDPMSolverMultistepScheduler","algorithm_type":"sde-dpmsolver++","solver_order":2`: true,
		`"DDIMScheduler","clip_sample":false,"thresholding":true,"dynamic_thresholding_ratio":1`: true, `"DDIMScheduler","thresholding":true,"dynamic_thresholding_ratio":1.01`: false,
		`"DDIMScheduler","thresholding":true,"dynamic_thresholding_ratio":-0.01`: false, `"DDIMScheduler","clip_sample_range":0`: true,
		`"EulerDiscreteScheduler","use_karras_sigmas":true`: true, `"EulerDiscreteScheduler","use_karras_sigmas":true,"use_exponential_sigmas":true`: false, `"EulerDiscreteScheduler","use_exponential_sigmas":true,"use_beta_sigmas":true`: false,
		`"SASolverScheduler","algorithm_type":"noise_prediction"`: true, `"SASolverScheduler","thresholding":true`: true,
	} {
		var c Config
		require.NoError(t, json.Unmarshal([]byte(`{"_class_name":`+fields+`}`), &c))
		_, err := c.New(Overrides{}, 4)
		if ok != (err == nil) {
			t.Errorf("%s: %v", fields, err)
		}
	}
}

// TestChurnedLevels: those from Min to Max, both with them, as k-diffusion has it; no Max is none.
func TestChurnedLevels(t *testing.T) {
	c := Churn{Amount: 2, Min: 1, Max: 5}
	for sigma, churned := range map[float64]bool{0.999: false, 1: true, 3: true, 5: true, 5.001: false} {
		require.Equal(t, churned, c.gamma(sigma, 10) > 0, sigma)
	}
	require.InDelta(t, 0.2, c.gamma(3, 10), 1e-12)
	require.InDelta(t, math.Sqrt2-1, c.gamma(3, 4), 1e-12, "at most")
	c.Max = 0
	require.Positive(t, c.gamma(1e6, 10))
}
