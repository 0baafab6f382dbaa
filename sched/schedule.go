package sched

import (
	"cmp"
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
	Timesteps  []float64 // the times given to the model at each sigma but the last; more than steps where the reference rounds up or calls it twice
	// InitNoiseSigma is the factor of the first noise in the reference's own
	// space.
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
	continuous bool      // the model takes the noise level itself as its time
	first      int       // steps left out at the start
	distilled  []float64 // of a consistency model in the web UI: logarithms of its levels
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
			return r, fmt.Errorf("sched: the sampler %q has the schedule %s, and %s is asked for; want one of them",
				o.Sampler, schedule, o.Schedule)
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
	p, err := c.plan(&r)
	if err != nil {
		return nil, err
	}
	of := &p.of
	k, err := of.class()
	if err != nil {
		return nil, err
	}
	if steps < 1 || steps > of.TrainTimesteps {
		return nil, fmt.Errorf("sched: %d steps, want 1 to %d", steps, of.TrainTimesteps)
	}
	t, err := of.training()
	if err != nil {
		return nil, err
	}
	if r.dialect != Diffusers {
		t = t.elsewhere(of, r.dialect)
	}
	s := &Schedule{
		Name: p.schedule, Dialect: r.dialect, Spacing: of.TimestepSpacing, Prediction: of.prediction(),
		VP: of.has(spaceVP), steps: steps, train: t, continuous: of.continuous(), Levels: t.unlike(sdxlTraining()),
		blind: of.prediction() == Epsilon && of.limit().none(),
	}
	if s.Spacing == "" {
		s.Spacing = "linspace" // the only one that the class has
	}
	switch {
	case r.Sigmas == nil && r.Custom == nil && s.isWeb(p.sampler):
		err = s.webLevels(p.sampler, steps, steps)
	case p.made != nil || r.Sigmas != nil:
		err = s.fill(&p, r.Sigmas)
	default:
		s.Sigmas, s.Timesteps, err = k.levels(of, t, steps)
		s.setFirstNoise(of)
	}
	if err != nil {
		return nil, err
	}
	for i := range s.Sigmas {
		s.Sigmas[i] = float64(float32(s.Sigmas[i]))
	}
	last := s.Sigmas[len(s.Sigmas)-1]
	if len(s.Timesteps) > 0 && still(s.Sigmas[0], last) {
		return nil, fmt.Errorf("sched: %d steps end at sigma %g, where they start, and leave noise alone; want more steps",
			len(s.Timesteps), last)
	}
	s.FirstOrderLast = last == 0 || of.EulerAtFinal || of.LowerOrderFinal && len(s.Timesteps) < shortRun ||
		r.dialect.lowersUniPC(p.sampler)
	s.setSampler(&p, &r, k)
	return s, nil
}

// plan is what a schedule is made by.
type plan struct {
	of       Config // the class of diffusers whose levels these are, and its options
	owned    bool   // the sampler is the class's
	sampler  string // one of SamplerNames or Classes
	schedule string // one of ScheduleNames
	made     maker  // of the levels, if the class's are not wanted
}

// plan returns what the names of a request mean for a model's file.
func (c *Config) plan(r *resolved) (plan, error) {
	if r.dialect != Diffusers {
		return c.planElsewhere(r)
	}
	class, beside := c.Class, ""
	p := plan{owned: r.Custom == nil, sampler: r.Sampler}
	switch _, named := classes[r.Sampler]; {
	case r.Custom != nil:
		class = ""
	case named:
		class = r.Sampler
	case r.Sampler != "":
		s := knownNamed(r.Sampler)
		class, beside = s.class, s.beside
	}
	if class == "" { // none has such a sampler
		class, p.owned = "EulerDiscreteScheduler", false
	}
	if c.isEDM() && !isEDM(class) {
		class, p.owned = edmClass(class, p.owned)
	}
	var err error
	if p.of, err = c.as(class, beside); err != nil {
		return p, err
	}
	if p.of.setNamed(r); p.of.between() == nil && hasShape(r.Schedule) && !p.of.isEDM() {
		// The class has no such schedule: levels as Euler's has them, and the sampler of any levels.
		p.owned = false
		if p.of, err = c.as("EulerDiscreteScheduler", ""); err != nil {
			return p, err
		}
		p.of.setNamed(r)
	}
	if p.sampler == "" {
		p.sampler = p.of.samplerName()
	}
	p.schedule = cmp.Or(r.Schedule, p.of.scheduleName())
	if p.schedule != p.of.scheduleName() {
		p.made = makerNamed(p.schedule, r.dialect)
		if p.of.isEDM() && p.schedule == "normal" {
			p.made = normal // of its levels at training timesteps
		}
	}
	p.owned = p.owned && (p.made == nil && r.Sigmas == nil || !p.of.has(ownLevels))
	return p, nil
}

// planElsewhere is plan for programs that know no classes: from the file they
// take only the noise of the training timesteps, and what the network predicts.
func (c *Config) planElsewhere(r *resolved) (p plan, err error) {
	own, err := c.as(c.Class, "")
	if err != nil {
		return p, err
	}
	if _, err := own.class(); err != nil && r.Sampler == "" {
		return p, err // its sampler is asked for
	}
	p.sampler = cmp.Or(r.Sampler, own.samplerName())
	p.schedule = cmp.Or(r.Schedule, own.scheduleName())
	if r.Schedule == "" && r.dialect == A1111 && !own.isEDM() {
		p.schedule = cmp.Or(webSchedules[p.sampler], "normal")
	}
	p.of = own
	if !own.isEDM() {
		p.of = defaults("EulerDiscreteScheduler")
		p.of.TrainTimesteps, p.of.BetaStart, p.of.BetaEnd, p.of.BetaSchedule = own.TrainTimesteps, own.BetaStart,
			own.BetaEnd, own.BetaSchedule
		p.of.TrainedBetas, p.of.RescaleBetasZeroSNR, p.of.PredictionType = own.TrainedBetas, own.RescaleBetasZeroSNR,
			cmp.Or(own.PredictionType, string(Epsilon))
		p.of.SigmaMin, p.of.SigmaMax = own.SigmaMin, own.SigmaMax
		p.of.LowerOrderFinal, p.of.EulerAtFinal = own.LowerOrderFinal, own.EulerAtFinal
	}
	if r.Spacing != "" {
		p.of.TimestepSpacing = r.Spacing
	}
	p.made = makerNamed(p.schedule, r.dialect)
	return p, nil
}

// setNamed sets the spacing and the schedule that a request names.
func (c *Config) setNamed(r *resolved) {
	if r.Spacing != "" {
		c.TimestepSpacing = r.Spacing
	}
	if r.Schedule != "" {
		c.setShape(r.Schedule)
	}
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
	return "EDMEulerScheduler", false
}

// hasShape reports whether a schedule is one that classes make themselves.
func hasShape(schedule string) bool {
	return slices.Contains([]string{"karras", "exponential", "beta", "lu"}, schedule)
}

// setShape asks for a schedule by the fields of a class.
func (c *Config) setShape(schedule string) {
	c.UseKarras, c.UseExponential, c.UseBeta, c.UseLu = schedule == "karras", schedule == "exponential",
		schedule == "beta", schedule == "lu"
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

// setSampler sets the sampler: one's own, the class's, or the one of a name for
// any levels.
func (s *Schedule) setSampler(p *plan, r *resolved, k class) {
	found := knownNamed(p.sampler)
	s.anywhere = found.sampler(found.name)
	if own, ok := comfyMethod(p.sampler, s.train); ok && s.Dialect == Comfy {
		s.anywhere = own.sampler(found.name)
	}
	s.Sampler = s.anywhere
	switch {
	case r.Custom != nil:
		s.Sampler, s.anywhere = *r.Custom, *r.Custom
	case p.owned:
		s.Sampler = k.method(&p.of, s.train, s.steps).sampler(p.of.samplerName())
		if !p.of.has(ownLevels) {
			s.anywhere = s.Sampler
		}
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
	case c.has(distilledOnly):
		return "lcm"
	}
	return "normal"
}

// fill sets noise levels that are given or made without regard to the sampler,
// and the times that go with them.
func (s *Schedule) fill(p *plan, given []float64) error {
	s.Sigmas = slices.Clone(given)
	if given != nil {
		s.Name = "custom"
		if err := checkSigmas(given); err != nil {
			return err
		}
	} else {
		steps := s.steps
		drops := s.Dialect.dropsPenultimate(p.sampler)
		if drops {
			steps++
		}
		l := levels{train: s.train.sigmas, logs: s.train.logs}
		if s.Dialect == A1111 && p.sampler == "lcm" && !p.of.isEDM() {
			l = l.distilled()
			s.distilled = l.logs
		}
		l.lo, l.hi = p.of.bounds(l.train[0], l.train[len(l.train)-1])
		s.Sigmas = p.made(&l, s.Dialect, steps)
		if n := len(s.Sigmas); drops && n > 2 {
			s.Sigmas = slices.Delete(s.Sigmas, n-2, n-1)
		}
		if n := len(s.Sigmas); s.Dialect == Comfy && s.Dialect.lowersUniPC(p.sampler) && s.Sigmas[n-1] == 0 {
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

// FirstScale returns the factor of the first noise in the space of the
// samplers, x0 + sigma noise.
func (s *Schedule) FirstScale() float64 {
	if s.VP {
		return s.InitNoiseSigma * math.Sqrt(1+s.Sigmas[0]*s.Sigmas[0])
	}
	return s.InitNoiseSigma
}

// LatentScale returns the factor that turns x after step i into what the
// reference's callback shows, and after the last step into what it decodes.
func (s *Schedule) LatentScale(i int) float64 {
	if s.VP {
		return 1 / math.Sqrt(1+s.Sigmas[i+1]*s.Sigmas[i+1])
	}
	return 1
}

// Time returns the time given to the model at a noise level: its timestep for a
// sigma of the schedule, the training timestep for a sigma of the training
// levels, and for others an interpolation over the logarithms of the sigmas.
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
	if s.distilled != nil {
		every := len(s.train.logs) / len(s.distilled)
		return Comfy.time(s.distilled, sigma)*float64(every) + float64(len(s.train.logs)-every*(len(s.distilled)-1)-1)
	}
	return s.Dialect.time(s.train.logs, sigma)
}
