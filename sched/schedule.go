package sched

import (
	"fmt"
	"math"
	"slices"
)

// Overrides replace parts of a Config by name; "" keeps what the Config says.
type Overrides struct {
	Sampler  string // as ParseSampler reads it; a schedule in it stands for Schedule
	Schedule string // as ParseSchedule reads it
	Spacing  string
	Dialect  string    // one of DialectNames; "" is diffusers
	Sigmas   []float64 // in place of a Schedule: the noise levels themselves, the last included
	Custom   *Sampler  // in place of a Sampler by name
}

// Schedule is the noise levels and model times of one run.
type Schedule struct {
	Sampler    Sampler
	Name       string // one of ScheduleNames, or custom
	Dialect    Dialect
	Spacing    string // leading, linspace or trailing
	Prediction Prediction
	Sigmas     []float64 // one more than Timesteps; they do not increase
	Timesteps  []float64 // what the model is told at each sigma but the last; steps, or more where the reference rounds so or looks twice
	// InitNoiseSigma is what the reference multiplies the first noise with, in
	// its own space.
	InitNoiseSigma float64
	// VP says that the reference's sampler works in variance-preserving space:
	// its latents are x/sqrt(1+sigma^2).
	VP bool
	// FirstOrderLast says that a multistep sampler ends with a step of first order.
	FirstOrderLast bool
	Levels         []float64 // the model's at its training timesteps, from low to high; nil is SDXL's

	steps      int // as asked for
	train      *training
	anywhere   Sampler   // the like of Sampler that leads along any levels
	blind      bool      // the model tells the noise, and estimates of x0 have no limit
	continuous bool      // the model is told the noise level itself
	first      int       // steps left out at the start
	web        string    // the sampler of the web UI that goes by timesteps of its own, or ""
	entry      float64   // the level that a picture to start from gets, if it is not Sigmas[0]
	whole      []float64 // the sigmas of which Sigmas are the last; nil is these
}

// shortRun is the number of steps below which lower_order_final takes effect.
const shortRun = 15

// resolved is Overrides in the names of this package.
type resolved struct {
	Overrides
	dialect Dialect
	maker   maker // of the noise levels, if neither a class nor the sampler's kind is
}

// resolve finds what names mean.
func (o Overrides) resolve() (resolved, error) {
	r := resolved{Overrides: o}
	var err error
	if r.dialect, err = dialectNamed(o.Dialect); err != nil {
		return r, err
	}
	if o.Custom != nil && o.Custom.F32 == nil {
		return r, fmt.Errorf("sched: the sampler %q has no F32", o.Custom.Name)
	}
	if o.Schedule != "" {
		if r.Schedule, err = ParseSchedule(o.Schedule); err != nil {
			return r, err
		}
	}
	if o.Sampler != "" && o.Custom == nil {
		var schedule string
		if r.Sampler, schedule, err = ParseSampler(o.Sampler); err != nil {
			return r, err
		}
		if schedule != "" && r.Schedule != "" && r.Schedule != schedule {
			return r, fmt.Errorf("sched: the sampler %q has the schedule %s, and %s is asked for; want one of them", o.Sampler, schedule, o.Schedule)
		}
		if schedule != "" && o.Sigmas == nil {
			r.Schedule = schedule
		}
	}
	return r, nil
}

// New returns the schedule for a number of steps.
func (c Config) New(o Overrides, steps int) (*Schedule, error) {
	s, err := c.schedule(o, steps)
	if err != nil {
		return nil, err
	}
	return s, s.checkStart()
}

// checkStart returns an error for a run whose first step is of noise alone and
// of a model that tells the noise: there is nothing to tell.
func (s *Schedule) checkStart() error {
	if s.blind && len(s.Timesteps) > 0 && s.Sigmas[0] >= noiseAlone {
		return fmt.Errorf("sched: rescale_betas_zero_snr is true beside prediction_type epsilon, and the first timestep is %g, of noise alone; want v_prediction, or timestep_spacing leading", s.Timesteps[0])
	}
	return nil
}

// schedule is New without a look at the start.
func (c *Config) schedule(o Overrides, steps int) (*Schedule, error) {
	r, err := o.resolve()
	if err != nil {
		return nil, err
	}
	if r.dialect == A1111 && r.Schedule == "" && !c.isEDM() {
		name := r.Sampler
		if name == "" {
			name = c.samplerName()
		}
		if r.Schedule = webSchedules[name]; r.Schedule == "" {
			r.Schedule = "normal"
		}
	}
	of, owned, err := c.classFor(&r)
	if err != nil {
		return nil, err
	}
	k, err := of.class()
	if err != nil {
		return nil, err
	}
	if steps < 1 || steps > c.TrainTimesteps {
		return nil, fmt.Errorf("sched: %d steps, want 1 to %d", steps, c.TrainTimesteps)
	}
	t, err := of.training()
	if err != nil {
		return nil, err
	}
	s := &Schedule{
		Name: of.scheduleName(), Dialect: r.dialect, Spacing: of.TimestepSpacing, Prediction: of.prediction(),
		VP: k.vp && r.dialect == Diffusers, steps: steps, train: t, continuous: of.continuous(), Levels: t.unlike(sdxlTraining()),
		blind: of.prediction() == Epsilon && of.limit().none(),
	}
	if s.Spacing == "" {
		s.Spacing = "linspace" // the only one that the class has
	}
	if r.Schedule != "" {
		s.Name = r.Schedule
	}
	if r.dialect != Diffusers || r.Schedule != "" && r.Schedule != of.scheduleName() {
		r.maker = makerNamed(s.Name, r.dialect)
		if of.isEDM() && s.Name == "normal" {
			r.maker = normal // of its levels at training timesteps
		}
	}
	switch {
	case r.Sigmas == nil && s.isWeb(&r):
		err = s.webLevels(r.Sampler, steps, steps)
	case r.maker != nil || r.Sigmas != nil:
		err = s.fill(&of, &r)
	default:
		s.Sigmas, s.Timesteps, err = k.levels(&of, t, steps)
		s.setFirstNoise(&of)
	}
	if err != nil {
		return nil, err
	}
	for i := range s.Sigmas {
		s.Sigmas[i] = float64(float32(s.Sigmas[i]))
	}
	last := s.Sigmas[len(s.Sigmas)-1]
	if len(s.Timesteps) > 0 && still(s.Sigmas[0], last) {
		return nil, fmt.Errorf("sched: %d steps end at sigma %g, where they start, and leave noise alone; want more steps", len(s.Timesteps), last)
	}
	s.FirstOrderLast = last == 0 || of.EulerAtFinal || of.LowerOrderFinal && len(s.Timesteps) < shortRun || r.dialect.lowersUniPC(r.Sampler)
	s.setSampler(&of, &r, k, owned && (r.maker == nil && r.Sigmas == nil || !onGrid(of.Class)))
	return s, nil
}

// classFor returns the configuration of the class of diffusers that levels are
// of, and whether the sampler is the class's too.
func (c *Config) classFor(r *resolved) (of Config, owned bool, err error) {
	class, beside := c.Class, ""
	switch {
	case r.Custom != nil || r.dialect != Diffusers && r.Sampler != "":
		class = "EulerDiscreteScheduler"
	case r.Sampler == "":
		owned = r.dialect == Diffusers
	default:
		owned = true
		if classes[r.Sampler].levels != nil {
			class = r.Sampler
		} else {
			s := knownNamed(r.Sampler)
			class, beside = s.class, s.beside
		}
		if owned = class != ""; !owned {
			class = "EulerDiscreteScheduler"
		}
	}
	if class == "EulerDiscreteScheduler" && !owned {
		if k, ok := classes[c.Class]; ok && r.dialect != Diffusers && k.levels != nil {
			class = c.Class // whose levels other dialects make anew
		}
	}
	if c.isEDM() && class != c.Class {
		class, owned = edmClass(class, owned)
	}
	if of, err = c.as(class, beside); err != nil {
		return of, owned, err
	}
	if r.Spacing != "" {
		of.TimestepSpacing = r.Spacing
	}
	if r.Schedule == "" {
		return of, owned, nil
	}
	of.setShape(r.Schedule)
	if of.between() == nil && hasShape(r.Schedule) && r.dialect == Diffusers && !of.isEDM() {
		// The class has no such schedule: levels as Euler's has them, and the sampler of any levels.
		if of, err = c.as("EulerDiscreteScheduler", ""); err != nil {
			return of, false, err
		}
		of.setShape(r.Schedule)
		if r.Spacing != "" {
			of.TimestepSpacing = r.Spacing
		}
		owned = false
	}
	return of, owned, nil
}

// edmClass returns which of the two schedulers of Karras et al. 2022 stands for
// a class, and whether its sampler does.
func edmClass(class string, owned bool) (string, bool) {
	switch class {
	case "DPMSolverMultistepScheduler":
		return "EDMDPMSolverMultistepScheduler", owned
	case "EulerDiscreteScheduler":
		return "EDMEulerScheduler", owned
	}
	return "EDMEulerScheduler", owned && isEDM(class)
}

// shapes of schedules that classes make themselves.
func hasShape(schedule string) bool {
	return slices.Contains([]string{"karras", "exponential", "beta", "lu"}, schedule)
}

// setShape asks for a schedule by the fields of a class.
func (c *Config) setShape(schedule string) {
	c.UseKarras, c.UseExponential, c.UseBeta, c.UseLu = schedule == "karras", schedule == "exponential", schedule == "beta", schedule == "lu"
	if c.isEDM() && (c.UseKarras || c.UseExponential) {
		c.SigmaSchedule, c.UseKarras, c.UseExponential = schedule, false, false
	}
}

// setFirstNoise sets InitNoiseSigma as the class has it.
func (s *Schedule) setFirstNoise(c *Config) {
	if len(s.Sigmas) == 0 {
		return
	}
	highest := float64(float32(slices.Max(s.Sigmas)))
	switch {
	case s.VP:
		s.InitNoiseSigma = 1
	case c.isEDM():
		_, hi := c.edmBounds()
		s.InitNoiseSigma = math.Hypot(hi, 1)
	case c.TimestepSpacing == "leading":
		s.InitNoiseSigma = math.Hypot(highest, 1)
	default:
		s.InitNoiseSigma = highest
	}
}

// setSampler sets the sampler: the class's own, or the one of a name for any levels.
func (s *Schedule) setSampler(c *Config, r *resolved, k class, owned bool) {
	name := r.Sampler
	if name == "" {
		name = c.samplerName()
	}
	found := knownNamed(name)
	s.Sampler = found.sampler(found.name)
	if r.Custom != nil {
		s.Sampler = *r.Custom
	}
	s.anywhere = s.Sampler
	if !owned {
		return
	}
	s.Sampler = k.method(c, s.train, s.steps).sampler(c.samplerName())
	if !onGrid(c.Class) {
		s.anywhere = s.Sampler
	}
}

// samplerName returns the name that stands for the configuration's class and
// its options, or the class itself where there is none.
func (c *Config) samplerName() string {
	for _, s := range samplers {
		if s.class != kindOf(c.Class) && (!c.isEDM() || s.class == "" || s.class != plainClass(c.Class)) {
			continue
		}
		if said, err := c.as(c.Class, s.beside); err == nil && sameMethod(&said, c) {
			return s.name
		}
	}
	return c.Class
}

// plainClass returns the class that one of Karras et al. 2022 is the like of.
func plainClass(class string) string {
	if class == "EDMEulerScheduler" {
		return "EulerDiscreteScheduler"
	}
	return "DPMSolverMultistepScheduler"
}

// sameMethod reports whether two configurations of a class sample alike.
func sameMethod(a, b *Config) bool {
	return a.Algorithm == b.Algorithm && a.Solver == b.Solver && a.SolverOrder == b.SolverOrder && a.SkipPRK == b.SkipPRK
}

// scheduleName returns the name of the schedule that the configuration asks for.
func (c *Config) scheduleName() string {
	switch {
	case c.UseKarras:
		return "karras"
	case c.UseExponential:
		return "exponential"
	case c.UseBeta:
		return "beta"
	case c.UseLu:
		return "lu"
	case c.isEDM():
		return c.SigmaSchedule
	case c.Class == "LCMScheduler" || c.Class == "TCDScheduler":
		return "lcm"
	}
	return "normal"
}

// fill sets noise levels that are given or made without regard to the sampler,
// and the times that go with them.
func (s *Schedule) fill(c *Config, r *resolved) error {
	s.Sigmas = slices.Clone(r.Sigmas)
	if r.Sigmas != nil {
		s.Name = "custom"
		if err := checkSigmas(r.Sigmas); err != nil {
			return err
		}
	} else {
		steps := s.steps
		drops := s.Dialect.dropsPenultimate(r.Sampler)
		if drops {
			steps++
		}
		l := levels{train: s.train.sigmas, logs: s.train.logs}
		l.lo, l.hi = c.bounds(s.train.sigmas[0], s.train.highest())
		s.Sigmas = r.maker(&l, s.Dialect, steps)
		if n := len(s.Sigmas); drops && n > 2 {
			s.Sigmas = slices.Delete(s.Sigmas, n-2, n-1)
		}
		if n := len(s.Sigmas); s.Dialect == Comfy && s.Dialect.lowersUniPC(r.Sampler) && s.Sigmas[n-1] == 0 {
			s.Sigmas[n-1] = comfyUniPCEnd
		}
	}
	s.steps = len(s.Sigmas) - 1
	s.Timesteps = nil
	for i := range s.Sigmas {
		s.Sigmas[i] = float64(float32(s.Sigmas[i]))
		if i < s.steps {
			s.Timesteps = append(s.Timesteps, s.between(s.Sigmas[i]))
		}
	}
	s.InitNoiseSigma = s.Dialect.firstScale(s.Sigmas[0], s.train.highest())
	if s.VP {
		s.InitNoiseSigma = 1
	}
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
// reference's callback shows, and after the last step what it decodes.
func (s *Schedule) LatentScale(i int) float64 {
	if s.VP {
		return 1 / math.Sqrt(1+s.Sigmas[i+1]*s.Sigmas[i+1])
	}
	return 1
}

// Time returns what the model is told at a noise level: the listed timestep of
// a listed sigma, the training timestep of one of its, and for others what lies
// between by interpolation of the sigmas' logarithms.
func (s *Schedule) Time(sigma float64) float64 {
	if i := slices.Index(s.Sigmas[:len(s.Timesteps)], sigma); i >= 0 {
		return s.Timesteps[i]
	}
	return s.between(sigma)
}

// between returns the time of a noise level that is not listed.
func (s *Schedule) between(sigma float64) float64 {
	if is, _, _ := s.Prediction.edm(); is || s.continuous {
		return float64(float32(edmTime(float64(float32(sigma)))))
	}
	return s.Dialect.time(s.train.logs, sigma)
}
