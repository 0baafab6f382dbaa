package sched

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Overrides replace parts of a Config by name; "" keeps what the Config says.
type Overrides struct{ Sampler, Schedule, Spacing string }

// Schedule is the noise levels and model times of one run.
type Schedule struct {
	Sampler    Sampler
	Name       string // normal or karras
	Spacing    string // leading, linspace or trailing
	Prediction Prediction
	Sigmas     []float64 // steps+1, decreasing
	Timesteps  []float64 // steps; what the model is told at each sigma but the last
	// InitNoiseSigma is what the reference multiplies the first noise with, in
	// its own space.
	InitNoiseSigma float64
	// VP says that the reference's sampler works in variance-preserving space:
	// its latents are x/sqrt(1+sigma^2).
	VP bool
	// FirstOrderLast says that a multistep sampler ends with a step of first order.
	FirstOrderLast bool
}

// shortRun is the number of steps below which lower_order_final takes effect.
const shortRun = 15

// New returns the schedule for a number of steps.
func (c Config) New(o Overrides, steps int) (*Schedule, error) {
	name := o.Sampler
	if name == "" {
		var ok bool
		if name, ok = classes[c.Class]; !ok {
			return nil, fmt.Errorf("sched: _class_name %s is not supported; name a sampler: %s", c.Class, strings.Join(SamplerNames(), ", "))
		}
	}
	sampler, err := SamplerNamed(name)
	if err != nil {
		return nil, err
	}
	switch o.Schedule {
	case "":
	case "normal", "karras":
		c.UseKarras = o.Schedule == "karras"
		c.UseExponential, c.UseBeta, c.UseLu = false, false, false
	default:
		return nil, fmt.Errorf("sched: no schedule %q; there are %s", o.Schedule, strings.Join(ScheduleNames(), ", "))
	}
	if name == "euler_a" {
		// The reference's scheduler of this name knows neither.
		c.UseKarras = o.Schedule == "karras"
		c.FinalSigmas = "zero"
	}
	if o.Spacing != "" {
		c.TimestepSpacing = o.Spacing
	}
	if err := c.validate(name); err != nil {
		return nil, fmt.Errorf("sched: %w", err)
	}
	if steps < 1 || steps > c.TrainTimesteps {
		return nil, fmt.Errorf("sched: %d steps, want 1 to %d", steps, c.TrainTimesteps)
	}
	s := &Schedule{Sampler: sampler, Name: "normal", Spacing: c.TimestepSpacing, Prediction: Prediction(c.PredictionType), VP: name == "dpmpp_2m"}
	if c.UseKarras {
		s.Name = "karras"
	}
	train := c.trainSigmas()
	if s.VP {
		s.Sigmas, s.Timesteps = c.dpmSolver(train, steps)
		s.InitNoiseSigma = 1
	} else {
		s.Sigmas, s.Timesteps = c.euler(train, steps)
		s.InitNoiseSigma = s.Sigmas[0]
		if c.TimestepSpacing == "leading" {
			s.InitNoiseSigma = math.Sqrt(s.Sigmas[0]*s.Sigmas[0] + 1)
		}
	}
	last := 0.0
	if c.FinalSigmas == "sigma_min" {
		last = train[0]
	}
	s.Sigmas = append(s.Sigmas, last)
	for i := range s.Sigmas {
		s.Sigmas[i] = float64(float32(s.Sigmas[i]))
	}
	s.FirstOrderLast = last == 0 || c.EulerAtFinal || c.LowerOrderFinal && steps < shortRun
	return s, nil
}

// From returns the tail of the schedule that an image-to-image run of a
// strength from 0 to 1 takes.
func (s *Schedule) From(strength float64) *Schedule {
	steps := len(s.Timesteps)
	skip := steps - min(int(float64(steps)*strength), steps)
	t := *s
	t.Sigmas, t.Timesteps = s.Sigmas[skip:], s.Timesteps[skip:]
	return &t
}

// FirstScale returns what the first noise is multiplied with in the space of
// the samplers, x0 + sigma noise.
func (s *Schedule) FirstScale() float64 {
	if s.VP {
		return s.InitNoiseSigma * math.Sqrt(1+s.Sigmas[0]*s.Sigmas[0])
	}
	return s.InitNoiseSigma
}

// Time returns what the model is told at a noise level: the listed timestep of
// a listed sigma, and between those by interpolation of their logarithms.
func (s *Schedule) Time(sigma float64) float64 {
	n := len(s.Timesteps)
	i, _ := slices.BinarySearchFunc(s.Sigmas[:n], sigma, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	switch {
	case i == n:
		return s.Timesteps[n-1]
	case s.Sigmas[i] == sigma || i == 0:
		return s.Timesteps[i]
	}
	hi, lo := math.Log(s.Sigmas[i-1]), math.Log(s.Sigmas[i])
	w := (math.Log(sigma) - lo) / (hi - lo)
	return s.Timesteps[i] + w*(s.Timesteps[i-1]-s.Timesteps[i])
}

// Prediction is what a network's output means.
type Prediction string

// The prediction types of diffusers.
const (
	Epsilon     Prediction = "epsilon"      // the noise
	VPrediction Prediction = "v_prediction" // alpha noise - sigma x0 (Salimans and Ho 2022)
	Sample      Prediction = "sample"       // x0
)

// Denoised turns the output of a network, which was given x/sqrt(1+sigma^2),
// into the estimate of x0.
func (p Prediction) Denoised(denoised, x, out []float32, sigma float64) {
	skip, scale := 1.0, -sigma
	switch p {
	case VPrediction:
		skip, scale = 1/(sigma*sigma+1), -sigma/math.Sqrt(sigma*sigma+1)
	case Sample:
		skip, scale = 0, 1
	}
	a, b := float32(skip), float32(scale)
	for i, v := range x {
		denoised[i] = a*v + b*out[i]
	}
}
