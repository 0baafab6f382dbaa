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
	Sigmas     []float64 // one more than Timesteps; they do not increase
	Timesteps  []float64 // what the model is told at each sigma but the last; steps, or one more where the reference's trailing spacing rounds so
	// InitNoiseSigma is what the reference multiplies the first noise with, in
	// its own space.
	InitNoiseSigma float64
	// VP says that the reference's sampler works in variance-preserving space:
	// its latents are x/sqrt(1+sigma^2).
	VP bool
	// FirstOrderLast says that a multistep sampler ends with a step of first order.
	FirstOrderLast bool

	steps int       // as asked for
	logs  []float64 // of the training sigmas
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
	name = sampler.Name
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
	s := &Schedule{Sampler: sampler, Name: "normal", Spacing: c.TimestepSpacing, Prediction: Prediction(c.PredictionType), VP: name == "dpmpp_2m", steps: steps}
	if c.UseKarras {
		s.Name = "karras"
	}
	train := c.trainSigmas()
	if i := slices.IndexFunc(train, func(v float64) bool { return !(v > 0 && v <= math.MaxFloat32) }); i >= 0 {
		return nil, fmt.Errorf("sched: the betas give sigma %g at training timestep %d, want a positive number", train[i], i)
	}
	s.logs = logs(train)
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
	if first, lowest := s.Sigmas[0], s.Sigmas[len(s.Sigmas)-1]; c.UseKarras && first < lowest {
		return nil, fmt.Errorf("sched: sigma_max %.6g is below sigma_min %.6g", first, lowest)
	}
	last := 0.0
	if c.FinalSigmas == "sigma_min" {
		last = train[0]
	}
	s.Sigmas = append(s.Sigmas, last)
	for i := range s.Sigmas {
		s.Sigmas[i] = float64(float32(s.Sigmas[i]))
	}
	s.FirstOrderLast = last == 0 || c.EulerAtFinal || c.LowerOrderFinal && len(s.Timesteps) < shortRun
	return s, nil
}

// From returns the tail of the schedule that an image-to-image run of a
// strength takes: nothing of it for 0, all of it for 1 and more.
func (s *Schedule) From(strength float64) *Schedule {
	run := 0
	if strength > 0 {
		run = int(float64(s.steps) * min(strength, 1))
	}
	skip := s.steps - run
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

// LatentScale returns what x is multiplied with after step i to be what the
// reference's callback shows.
func (s *Schedule) LatentScale(i int) float64 {
	if s.VP {
		return 1 / math.Sqrt(1+s.Sigmas[i+1]*s.Sigmas[i+1])
	}
	return 1
}

// Time returns what the model is told at a noise level: the listed timestep of
// a listed sigma, and for others what lies between the training timesteps by
// interpolation of the sigmas' logarithms.
func (s *Schedule) Time(sigma float64) float64 {
	if i := slices.Index(s.Sigmas[:len(s.Timesteps)], sigma); i >= 0 {
		return s.Timesteps[i]
	}
	return sigmaTime(s.logs, sigma)
}
