package sched

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Overrides replace parts of a Config by name; "" keeps what the Config says.
type Overrides struct {
	Sampler, Schedule, Spacing string
	Dialect                    string    // one of DialectNames; "" is diffusers
	Sigmas                     []float64 // in place of a Schedule: the noise levels themselves, the last included
	Custom                     *Sampler  // in place of a Sampler by name
}

// Schedule is the noise levels and model times of one run.
type Schedule struct {
	Sampler    Sampler
	Name       string // one of ScheduleNames, or custom
	Dialect    Dialect
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
	Order          int       // the most that UniPC and DEIS rise to; 0 is their own
	Levels         []float64 // the model's at its training timesteps, from low to high; nil is SDXL's

	steps int       // as asked for
	logs  []float64 // of the training sigmas
	whole []float64 // the sigmas of which Sigmas are the last; nil is these
}

// shortRun is the number of steps below which lower_order_final takes effect.
const shortRun = 15

// New returns the schedule for a number of steps.
func (c Config) New(o Overrides, steps int) (*Schedule, error) {
	name := o.Sampler
	var k class
	if name == "" && o.Custom == nil {
		if o.Spacing != "" {
			c.TimestepSpacing = o.Spacing
		}
		var err error
		if k, err = c.class(); err != nil {
			return nil, err
		}
		name = k.sampler
		if o.Schedule == "" && o.Spacing == "" {
			o.Schedule = k.schedule
		}
	}
	sampler, err := o.sampler(name)
	if err != nil {
		return nil, err
	}
	name = sampler.Name
	if o.Sampler != "" || o.Custom != nil {
		k.solver, k.vp = name == "dpmpp_2m", name == "dpmpp_2m" || name == "ddim"
	}
	dialect, err := dialectNamed(o.Dialect)
	if err != nil {
		return nil, err
	}
	if o.Schedule != "" {
		if !slices.Contains(ScheduleNames(), o.Schedule) {
			return nil, fmt.Errorf("sched: no schedule %q; there are %s", o.Schedule, strings.Join(ScheduleNames(), ", "))
		}
		c.UseKarras, c.UseExponential, c.UseBeta, c.UseLu = o.Schedule == "karras", o.Schedule == "exponential", o.Schedule == "beta", false
	}
	if name == "euler_a" {
		// The reference's scheduler of this name knows neither.
		c.UseKarras, c.UseExponential, c.UseBeta = o.Schedule == "karras", o.Schedule == "exponential", o.Schedule == "beta"
		c.FinalSigmas = "zero"
	}
	if o.Spacing != "" {
		c.TimestepSpacing = o.Spacing
	}
	if err := c.validate(name, k.solver); err != nil {
		return nil, fmt.Errorf("sched: %w", err)
	}
	if steps < 1 || steps > c.TrainTimesteps {
		return nil, fmt.Errorf("sched: %d steps, want 1 to %d", steps, c.TrainTimesteps)
	}
	s := &Schedule{
		Sampler: sampler, Name: c.scheduleName(), Dialect: dialect, Spacing: c.TimestepSpacing, Prediction: c.prediction(),
		VP: k.vp && dialect == Diffusers && !c.isEDM(), steps: steps,
	}
	if o.Schedule != "" {
		s.Name = o.Schedule
	}
	train := c.trainSigmas()
	if c.isEDM() {
		train = c.edmSigmas(c.TrainTimesteps + 1)
		slices.Reverse(train)
	}
	if i := slices.IndexFunc(train, func(v float64) bool { return !(v > 0 && v <= math.MaxFloat32) }); i >= 0 {
		return nil, fmt.Errorf("sched: the betas give sigma %g at training timestep %d, want a positive number", train[i], i)
	}
	s.logs = logs(train)
	s.Levels = c.levelsUnlike(trainingLevels())
	if k.orders {
		s.Order = c.SolverOrder
	}
	if m := makerNamed(s.Name, dialect); m != nil || o.Sigmas != nil {
		if err := s.fill(&c, o.Sigmas, m, train); err != nil {
			return nil, err
		}
		if o.Sigmas == nil && k.lowest && s.Sigmas[s.steps] == 0 {
			s.Sigmas[s.steps] = float64(float32(train[0]))
		}
		return s, nil
	}
	if c.isEDM() && slices.Contains([]string{"karras", "exponential"}, s.Name) {
		s.Sigmas, s.InitNoiseSigma = c.edmSigmas(steps), math.Hypot(train[len(train)-1], 1)
	} else if k.solver {
		s.Sigmas, s.Timesteps = c.dpmSolver(train, steps)
		s.InitNoiseSigma = 1
	} else {
		s.Sigmas, s.Timesteps = c.euler(train, steps)
		s.InitNoiseSigma = s.Sigmas[0]
		if c.TimestepSpacing == "leading" {
			s.InitNoiseSigma = math.Sqrt(s.Sigmas[0]*s.Sigmas[0] + 1)
		}
		if s.VP {
			s.InitNoiseSigma = 1
			if c.between() == nil && c.TimestepSpacing == "linspace" { // which DDIM rounds
				for i, t := range s.Timesteps {
					s.Timesteps[i] = math.RoundToEven(t)
				}
				s.Sigmas = interpolate(train, s.Timesteps)
			}
		}
	}
	if first, lowest := s.Sigmas[0], s.Sigmas[len(s.Sigmas)-1]; c.between() != nil && first < lowest {
		return nil, fmt.Errorf("sched: sigma_max %.6g is below sigma_min %.6g", first, lowest)
	}
	last := 0.0
	if c.isEDM() {
		s.tellEDM()
	}
	if c.FinalSigmas == "sigma_min" || k.lowest || (name == "ddim" || c.Class == "PNDMScheduler" && o.Sampler == "") && !c.SetAlphaToOne {
		last = train[0]
		if (k.lowest || k.orders) && c.between() != nil {
			last = s.Sigmas[len(s.Sigmas)-1]
		}
	}
	s.Sigmas = append(s.Sigmas, last)
	for i := range s.Sigmas {
		s.Sigmas[i] = float64(float32(s.Sigmas[i]))
	}
	s.FirstOrderLast = last == 0 || c.EulerAtFinal || c.LowerOrderFinal && (k.lowEnd || len(s.Timesteps) < shortRun)
	return s, nil
}

// sampler returns the one that was given, or that of a name.
func (o *Overrides) sampler(name string) (Sampler, error) {
	if o.Custom == nil {
		return SamplerNamed(name)
	}
	if o.Custom.F32 == nil {
		return Sampler{}, fmt.Errorf("sched: the sampler %q has no F32", o.Custom.Name)
	}
	return *o.Custom, nil
}

// scheduleName returns the name of the schedule that the configuration asks for.
func (c *Config) scheduleName() string {
	switch {
	case c.UseKarras, c.isEDM() && c.SigmaSchedule != "exponential" && !c.UseExponential && !c.UseBeta:
		return "karras"
	case c.isEDM() && !c.UseBeta:
		return "exponential"
	case c.UseExponential:
		return "exponential"
	case c.UseBeta:
		return "beta"
	}
	return "normal"
}

// fill sets noise levels that are given or made without regard to the sampler,
// and the times that go with them.
func (s *Schedule) fill(c *Config, given []float64, m maker, train []float64) error {
	s.Sigmas = slices.Clone(given)
	if given != nil {
		s.Name = "custom"
		if err := checkSigmas(given); err != nil {
			return err
		}
	} else {
		steps := s.steps
		drops := s.Dialect.dropsPenultimate(s.Sampler.Name)
		if drops {
			steps++
		}
		l := levels{train: train, logs: s.logs}
		l.lo, l.hi = c.bounds(train[0], train[len(train)-1])
		s.Sigmas = m(&l, s.Dialect, steps)
		if n := len(s.Sigmas); drops && n > 2 {
			s.Sigmas = slices.Delete(s.Sigmas, n-2, n-1)
		}
	}
	s.steps = len(s.Sigmas) - 1
	s.Timesteps = nil
	for i := range s.Sigmas {
		s.Sigmas[i] = float64(float32(s.Sigmas[i]))
		if i < s.steps {
			s.Timesteps = append(s.Timesteps, s.Dialect.time(s.logs, s.Sigmas[i]))
		}
	}
	if c.isEDM() {
		s.tellEDM()
	}
	s.InitNoiseSigma = s.Dialect.firstScale(s.Sigmas[0], train[len(train)-1])
	if s.VP {
		s.InitNoiseSigma = 1
	}
	s.FirstOrderLast = s.Sigmas[s.steps] == 0 || c.EulerAtFinal || c.LowerOrderFinal && s.steps < shortRun
	return nil
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
	if s.Prediction == EDM || s.Prediction == EDMV {
		return edmTime(sigma)
	}
	return s.Dialect.time(s.logs, sigma)
}

// tellEDM sets the model's times for networks that are told the noise level itself.
func (s *Schedule) tellEDM() {
	s.Timesteps = make([]float64, s.steps)
	for i := range s.Timesteps {
		s.Timesteps[i] = float64(float32(edmTime(float64(float32(s.Sigmas[i])))))
	}
}
