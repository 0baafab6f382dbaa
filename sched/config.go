package sched

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config is a scheduler_config.json of diffusers.
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
}

// DefaultConfig is what diffusers takes for an SDXL checkpoint that has none.
func DefaultConfig() Config {
	return Config{
		Class: "EulerDiscreteScheduler", TrainTimesteps: 1000, BetaStart: 0.00085, BetaEnd: 0.012, BetaSchedule: "scaled_linear",
		PredictionType: "epsilon", TimestepSpacing: "leading", StepsOffset: 1, FinalSigmas: "zero", Interpolation: "linear",
		TimestepType: "discrete", SolverOrder: 2, Algorithm: "dpmsolver++", Solver: "midpoint", LowerOrderFinal: true,
	}
}

var classes = map[string]string{
	"EulerDiscreteScheduler": "euler", "EulerAncestralDiscreteScheduler": "euler_a", "DPMSolverMultistepScheduler": "dpmpp_2m",
}

// ScheduleNames lists the sigma schedules.
func ScheduleNames() []string { return []string{"normal", "karras"} }

func (c *Config) validate() error {
	var errs []error
	want := func(field, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("%s is %q, want %s", field, value, strings.Join(allowed, " or ")))
		}
	}
	want("beta_schedule", c.BetaSchedule, "scaled_linear", "linear")
	want("prediction_type", c.PredictionType, "epsilon", "v_prediction", "sample")
	want("timestep_spacing", c.TimestepSpacing, "leading", "linspace", "trailing")
	want("final_sigmas_type", c.FinalSigmas, "zero", "sigma_min")
	want("interpolation_type", c.Interpolation, "linear")
	want("timestep_type", c.TimestepType, "discrete")
	if c.UseExponential || c.UseBeta || c.UseLu || c.UseFlow || c.Thresholding {
		errs = append(errs, errors.New("use_exponential_sigmas, use_beta_sigmas, use_lu_lambdas, use_flow_sigmas and thresholding must be false"))
	}
	if c.TrainTimesteps < 2 {
		errs = append(errs, fmt.Errorf("num_train_timesteps is %d, want at least 2", c.TrainTimesteps))
	}
	return errors.Join(errs...)
}

// trainSigmas returns the sigma of every training timestep, in float32 as the reference computes them.
func (c *Config) trainSigmas() []float64 {
	n := c.TrainTimesteps
	start, end := c.BetaStart, c.BetaEnd
	if c.BetaSchedule == "scaled_linear" {
		start, end = math.Sqrt(start), math.Sqrt(end)
	}
	betas := make([]float32, n)
	a, b := float32(start), float32(end)
	step := (b - a) / float32(n-1)
	for i := range betas {
		// torch.linspace works from both ends, with fused multiply-adds.
		v := fma32(step, float32(i), a)
		if i >= n/2 {
			v = fma32(-step, float32(n-1-i), b)
		}
		if c.BetaSchedule == "scaled_linear" {
			v *= v
		}
		betas[i] = v
	}
	if c.TrainedBetas != nil {
		for i := range betas {
			betas[i] = float32(c.TrainedBetas[i])
		}
	}
	if c.RescaleBetasZeroSNR {
		rescaleZeroSNR(betas)
	}
	sigmas, prod := make([]float64, n), 1.0
	for i, beta := range betas {
		prod *= float64(1 - beta)
		ac := float32(prod)
		if c.RescaleBetasZeroSNR && i == n-1 {
			ac = 1.0 / (1 << 24)
		}
		sigmas[i] = float64(float32(math.Sqrt(float64((1 - ac) / ac))))
	}
	return sigmas
}

// rescaleZeroSNR changes betas so that the last step is pure noise (Lin et al. 2023, algorithm 1).
func rescaleZeroSNR(betas []float32) {
	n := len(betas)
	root := make([]float32, n)
	prod := 1.0
	for i, b := range betas {
		prod *= float64(1 - b)
		root[i] = float32(math.Sqrt(float64(float32(prod))))
	}
	first, last := root[0], root[n-1]
	prev := float32(1)
	for i := range root {
		r := (root[i] - last) * (first / (first - last))
		ac := r * r
		alpha := ac
		if i > 0 {
			alpha = ac / prev
		}
		prev = ac
		betas[i] = 1 - alpha
	}
}

// euler returns sigmas and timesteps as EulerDiscreteScheduler computes them.
func (c *Config) euler(train []float64, steps int) (sigmas, times []float64) {
	n := float64(c.TrainTimesteps)
	times = make([]float64, steps)
	for i := range times {
		switch c.TimestepSpacing {
		case "linspace":
			times[i] = float64(float32(linspace(0, n-1, steps, steps-1-i)))
		case "leading":
			times[i] = float64((steps-1-i)*(c.TrainTimesteps/steps) + c.StepsOffset)
		case "trailing":
			times[i] = math.RoundToEven(n-float64(i)*(n/float64(steps))) - 1
		}
	}
	sigmas = interpolate(train, times)
	if c.UseKarras {
		lo, hi := c.bounds(sigmas[steps-1], sigmas[0])
		sigmas = karras(lo, hi, steps)
		times = sigmaTimes(train, sigmas)
		for i := range times {
			times[i] = float64(float32(times[i]))
		}
	}
	return sigmas, times
}

// dpmSolver returns sigmas and timesteps as DPMSolverMultistepScheduler computes them.
func (c *Config) dpmSolver(train []float64, steps int) (sigmas, times []float64) {
	n := float64(c.TrainTimesteps)
	if c.UseKarras {
		lo, hi := c.bounds(train[0], train[len(train)-1])
		sigmas = karras(lo, hi, steps)
		times = sigmaTimes(train, sigmas)
		for i := range times {
			times[i] = math.RoundToEven(times[i])
		}
		return sigmas, times
	}
	times = make([]float64, steps)
	for i := range times {
		switch c.TimestepSpacing {
		case "linspace":
			times[i] = math.RoundToEven(linspace(0, n-1, steps+1, steps-i))
		case "leading":
			times[i] = float64((steps-i)*(c.TrainTimesteps/(steps+1)) + c.StepsOffset)
		case "trailing":
			times[i] = math.RoundToEven(n-float64(i)*(n/float64(steps))) - 1
		}
	}
	return interpolate(train, times), times
}

func (c *Config) bounds(lo, hi float64) (float64, float64) {
	if c.SigmaMin != nil {
		lo = *c.SigmaMin
	}
	if c.SigmaMax != nil {
		hi = *c.SigmaMax
	}
	return lo, hi
}

// linspace returns number i of n from a to b, as numpy computes it.
func linspace(a, b float64, n, i int) float64 {
	if n == 1 || i == 0 {
		return a
	}
	if i == n-1 {
		return b
	}
	return a + float64(i)*((b-a)/float64(n-1))
}

// interpolate looks times up in the training sigmas, linearly between them.
func interpolate(train, times []float64) []float64 {
	out := make([]float64, len(times))
	for i, t := range times {
		t = min(max(t, 0), float64(len(train)-1))
		j := min(int(t), len(train)-2)
		out[i] = train[j] + (t-float64(j))*(train[j+1]-train[j])
	}
	return out
}

// karras is the schedule of Karras et al. 2022, equation 5, with rho 7.
func karras(lo, hi float64, steps int) []float64 {
	const rho = 7
	a, b := math.Pow(hi, 1.0/rho), math.Pow(lo, 1.0/rho)
	out := make([]float64, steps)
	for i := range out {
		out[i] = math.Pow(a+linspace(0, 1, steps, i)*(b-a), rho)
	}
	return out
}

// sigmaTimes returns the training times of sigmas, by interpolation of logarithms.
func sigmaTimes(train, sigmas []float64) []float64 {
	logs := make([]float64, len(train))
	for i, s := range train {
		logs[i] = float64(log32(float32(s)))
	}
	out := make([]float64, len(sigmas))
	for i, s := range sigmas {
		l := math.Log(max(s, 1e-10))
		j, _ := slices.BinarySearch(logs, l)
		if j == len(logs) || logs[j] != l {
			j--
		}
		j = min(max(j, 0), len(logs)-2)
		w := min(max((logs[j]-l)/(logs[j]-logs[j+1]), 0), 1)
		out[i] = (1-w)*float64(j) + w*float64(j+1)
	}
	return out
}
