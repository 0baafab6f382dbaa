package sched

import (
	"fmt"
	"math"
)

// TailSteps returns how many steps an image-to-image run of a strength, 0 to 1,
// makes, and the length of the schedule whose last steps these are. diffusers
// and k-diffusion run that share of the steps, and AUTOMATIC1111's web UI runs
// one more. ComfyUI runs as many steps as are asked for, at the end of a
// schedule of steps/strength steps.
func (d Dialect) TailSteps(steps int, strength float64) (run, total int) {
	if !(strength > 0) {
		strength = 0
	}
	strength = min(strength, 1)
	switch {
	case d == A1111:
		return int(min(strength, 0.999)*float64(steps)) + 1, steps
	case d == Comfy && strength > comfyWhole:
		return steps, steps
	case d == Comfy && strength > 0:
		return steps, int(min(float64(steps)/strength, math.MaxInt32))
	}
	return int(float64(steps) * strength), steps
}

// comfyWhole is the strength above which ComfyUI takes a schedule as it is.
const comfyWhole = 0.9999

// NewTail returns the part of a schedule that an image-to-image run of a
// strength, 0 to 1, takes, by the rule of the dialect. If Overrides.Sigmas are
// given, ComfyUI runs that share of them, too.
func (c Config) NewTail(o Overrides, steps int, strength float64) (*Schedule, error) {
	s, err := c.tail(o, steps, strength)
	if err != nil {
		return nil, err
	}
	return s, s.checkStart()
}

func (c *Config) tail(o Overrides, steps int, strength float64) (*Schedule, error) {
	dialect, err := dialectNamed(o.Dialect)
	if err != nil {
		return nil, err
	}
	run, total := dialect.TailSteps(steps, strength)
	if run < 1 {
		return nil, fmt.Errorf("sched: strength %g of %d steps is less than one step", strength, steps)
	}
	if dialect == Comfy && o.Sigmas != nil {
		total = steps
	}
	if total > c.TrainTimesteps && total > steps {
		return nil, fmt.Errorf("sched: %d steps at strength %g are the last of %d, want at most %d", steps, strength,
			total, c.TrainTimesteps)
	}
	s, err := c.schedule(o, total)
	switch {
	case err != nil:
		return nil, err
	case dialect == A1111 && s.web != "":
		return s.webTail(steps, strength)
	case dialect == A1111:
		// The number of levels may not be that of the steps: they are counted from the first.
		return s.after(min(total-run, len(s.Timesteps)-1)), nil
	case dialect == Comfy && strength > comfyWhole:
		return s, nil
	case dialect == Comfy && o.Sigmas == nil:
		return s.after(max(len(s.Timesteps)-run, 0)), nil
	}
	return s.From(strength), nil
}

// From returns the tail of the schedule with a share of its steps: none for 0,
// all for 1 and more.
func (s *Schedule) From(share float64) *Schedule {
	run := 0
	if share > 0 {
		run = int(float64(s.steps) * min(share, 1))
	}
	return s.after(s.steps - run)
}

// after returns the schedule without its first steps.
func (s *Schedule) after(skip int) *Schedule {
	t := *s
	t.whole, t.first, t.Sigmas, t.Timesteps = s.Sigmas, skip, s.Sigmas[skip:], s.Timesteps[skip:]
	return &t
}

// ImageScale returns the factor of the noise that is added to a picture to
// start from.
func (s *Schedule) ImageScale() float64 {
	if s.entry > 0 {
		return s.entry * s.ImageShare()
	}
	if s.Dialect == Comfy {
		return s.Dialect.firstScale(s.Sigmas[0], s.train.highest())
	}
	return s.Sigmas[0]
}

// ImageShare returns the factor of the picture to start from.
func (s *Schedule) ImageShare() float64 {
	if s.entry == 0 {
		return 1
	}
	return math.Sqrt((1 + s.Sigmas[0]*s.Sigmas[0]) / (1 + s.entry*s.entry))
}

// Motion returns the noise levels whose range a Brownian motion spans: those of
// the run, and in the web UI also those that an image-to-image run skips.
func (s *Schedule) Motion() []float64 {
	if s.Dialect == A1111 && s.whole != nil {
		return s.whole
	}
	return s.Sigmas
}
