package sched

import "fmt"

// NewTail returns the part of a schedule that an image-to-image run of a
// strength, 0 to 1, takes, by the rule of the dialect: diffusers and k-diffusion run
// that share of the steps, the web UI of AUTOMATIC1111 one more, and ComfyUI runs
// all steps, the last of as many more as make them the share.
func (c Config) NewTail(o Overrides, steps int, strength float64) (*Schedule, error) {
	dialect, err := dialectNamed(o.Dialect)
	if err != nil {
		return nil, err
	}
	total, run := steps, steps
	switch {
	case dialect == A1111:
		run = min(int(min(strength, 0.999)*float64(steps))+1, steps)
	case dialect == Comfy && o.Sigmas == nil:
		if strength < 0.9999 {
			total = int(min(float64(steps)/max(strength, 1e-9), 1e9))
		}
		if total > c.TrainTimesteps {
			return nil, fmt.Errorf("sched: %d steps at strength %g are the last of %d, want at most %d", steps, strength, total, c.TrainTimesteps)
		}
	}
	s, err := c.New(o, total)
	if err != nil {
		return nil, err
	}
	if dialect == A1111 || dialect == Comfy && o.Sigmas == nil {
		return s.tail(run), nil
	}
	return s.From(strength), nil
}

// From returns the tail of the schedule that is a share of its steps: nothing of
// it for 0, all of it for 1 and more.
func (s *Schedule) From(share float64) *Schedule {
	run := 0
	if share > 0 {
		run = int(float64(s.steps) * min(share, 1))
	}
	return s.tail(run)
}

// tail returns the last steps of the schedule.
func (s *Schedule) tail(steps int) *Schedule {
	skip := max(s.steps-steps, 0)
	t := *s
	t.Sigmas, t.Timesteps = s.Sigmas[skip:], s.Timesteps[skip:]
	return &t
}
