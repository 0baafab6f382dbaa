package sched

import (
	"fmt"
	"math"
)

// webSchedules are what AUTOMATIC1111's web UI takes for the schedule type
// "Automatic", where it is not its plain one.
var webSchedules = map[string]string{
	"dpmpp_2m": "karras", "dpmpp_sde": "karras", "dpmpp_2s_a": "karras", "dpm_2": "karras", "dpm_2_a": "karras", "restart": "karras",
	"dpmpp_2m_sde": "exponential", "dpmpp_2m_sde_heun": "exponential", "dpmpp_3m_sde": "exponential",
}

// isWeb reports whether the web UI samples by timesteps of its own, whatever the
// schedule.
func (s *Schedule) isWeb(sampler string) bool {
	if is, _, _ := s.Prediction.edm(); is || s.Dialect != A1111 {
		return false
	}
	return sampler == "ddim" || sampler == "plms" || s.Dialect.lowersUniPC(sampler)
}

// webTimes are the training timesteps of a number of steps, from low to high.
func webTimes(steps, training int) []int {
	var times []int
	for t := 0; t < training; t += training / steps {
		times = append(times, min(t+1, training-1))
	}
	return times
}

// webLevels sets the levels of the first of a number of steps: DDIM and PLMS go from
// each timestep to the one below, and end at the lowest; UniPC takes as many even
// parts of the way from the highest of them, or of training, to the first.
func (s *Schedule) webLevels(sampler string, steps, first int) error {
	training := len(s.train.sigmas)
	all := webTimes(steps, training)
	times := all[:min(first, len(all))]
	if first == steps {
		times = all
	}
	s.web, s.VP, s.InitNoiseSigma, s.Sigmas, s.Timesteps = sampler, true, 1, nil, nil
	if len(times) < 2 {
		return fmt.Errorf("sched: %d steps of %s in the dialect %s leave noise alone, want 2 or more", len(times), sampler, s.Dialect)
	}
	if s.Dialect.lowersUniPC(sampler) {
		high := float64(training - 1)
		if first != steps {
			high = float64(times[len(times)-1])
		}
		for i := range len(times) + 1 {
			t := linspace(high, 0, len(times)+1, i)
			s.Sigmas, s.Timesteps = append(s.Sigmas, s.train.byLogAlpha(t)), append(s.Timesteps, t)
		}
		s.Timesteps = s.Timesteps[:len(times)]
		return nil
	}
	for i := len(times) - 1; i >= 0; i-- {
		s.Sigmas = append(s.Sigmas, s.train.sigmas[times[i]])
		if i > 0 {
			s.Timesteps = append(s.Timesteps, float64(times[i]))
		}
	}
	return nil
}

// webTail returns the schedule of a picture to start from. The picture gets the
// noise of one timestep more than the run starts at.
func (s *Schedule) webTail(steps int, strength float64) (*Schedule, error) {
	all := webTimes(steps, len(s.train.sigmas))
	enter := int(min(strength, 0.999) * float64(steps))
	t := *s
	if err := t.webLevels(s.web, steps, enter); err != nil {
		return nil, err
	}
	for i := range t.Sigmas {
		t.Sigmas[i] = float64(float32(t.Sigmas[i]))
	}
	t.entry = s.train.sigmas[all[min(enter, len(all)-1)]]
	return &t, nil
}

// byLogAlpha returns the level of a time between training timesteps, by the
// logarithm of the share of x0.
func (t *training) byLogAlpha(time float64) float64 {
	i := min(int(time), len(t.exact)-2)
	w := time - float64(i)
	logAlpha := func(sigma float64) float64 { return -math.Log1p(sigma*sigma) / 2 }
	mean := (1-w)*logAlpha(t.exact[i]) + w*logAlpha(t.exact[i+1])
	return math.Sqrt(math.Expm1(-2 * mean))
}
