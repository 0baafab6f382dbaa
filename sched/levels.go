package sched

import (
	"fmt"
	"math"
	"slices"
)

// The noise levels and times of each class of diffusers, with its roundings.

// eulerLevels are those of EulerDiscreteScheduler and its relatives, whose
// levels lie between those of their timesteps.
func eulerLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	times = c.spaced(steps, steps, c.TrainTimesteps)
	if c.TimestepSpacing == "linspace" {
		for i := range times {
			times[i] = linspace(0, float64(c.TrainTimesteps-1), steps, steps-1-i)
			if !c.has(wideTimes) {
				times[i] = float64(float32(times[i]))
			}
		}
	}
	sigmas = interpolate(t.sigmas, times)
	end := 0.0
	if c.FinalSigmas == "sigma_min" && accepted(c.Class)["final_sigmas_type"] {
		end = t.sigmas[0]
	}
	if c.Interpolation == "log_linear" {
		// One more level than steps lead through: the last that is reached is the lowest.
		sigmas = evenLogs32(t.highest(), t.sigmas[0], steps+1)
	}
	if between := c.between(); between != nil {
		lo, hi := c.bounds(sigmas[len(sigmas)-1], sigmas[0])
		if c.UseKarras && c.has(freeKarras) {
			lo, hi = sigmas[len(sigmas)-1], sigmas[0]
		}
		if hi < lo {
			return nil, nil, fmt.Errorf("sched: sigma_max %.6g is below sigma_min %.6g", hi, lo)
		}
		sigmas = between(lo, hi, steps)
		times = sigmaTimes(t.logs, sigmas)
		for i := range times {
			switch {
			case c.UseKarras && c.has(wholeKarras):
				times[i] = math.RoundToEven(times[i])
			case c.has(narrowTimes):
				times[i] = float64(float32(times[i]))
			}
		}
	} else if c.Interpolation == "log_linear" {
		sigmas, end = sigmas[:steps:steps], sigmas[steps]
	}
	sigmas = append(sigmas, end)
	if c.continuous() {
		for i := range times {
			times[i] = float64(float32(edmTime(float64(float32(sigmas[i])))))
		}
	}
	return sigmas, times, nil
}

// evenLogs32 returns levels even in the logarithm, in float32 as torch has them.
func evenLogs32(from, to float64, n int) []float64 {
	logs, levels := make([]float32, n), make([]float64, n)
	linspace32(logs, float64(float32(math.Log(from))), float64(float32(math.Log(to))))
	for i, l := range logs {
		levels[i] = float64(float32(math.Exp(float64(l))))
	}
	return levels
}

// continuous reports whether the model takes the noise level itself as its time.
func (c *Config) continuous() bool {
	return c.TimestepType == "continuous" && c.PredictionType == string(VPrediction)
}

// spaced returns whole times by the configuration's spacing. last is the number
// of training timesteps; parts is how many parts leading and linspace spacing
// divide them into.
func (c *Config) spaced(steps, parts, last int) []float64 {
	switch c.TimestepSpacing {
	case "leading":
		times := make([]float64, steps)
		for i := range times {
			times[i] = float64((parts-1-i)*(last/parts) + c.StepsOffset)
		}
		return times
	case "trailing":
		return c.trailing(steps, last)
	}
	times := make([]float64, steps)
	for i := range times {
		times[i] = math.RoundToEven(linspace(0, float64(last-1), parts, parts-1-i))
	}
	return times
}

// trailing returns times from a last training step down, as numpy's arange
// gives them: for some numbers of steps, such as 61 of 1000, its length rounds
// up to one more, at -1.
func (c *Config) trailing(steps, last int) []float64 {
	n := float64(last)
	ratio := float64(c.TrainTimesteps) / float64(steps)
	times := make([]float64, int(math.Ceil(n/ratio)))
	delta := n - ratio - n
	for i := range times {
		times[i] = math.RoundToEven(n+float64(float64(i)*delta)) - 1
	}
	return times
}

// clipped returns how many training timesteps lie below lambda_min_clipped's level.
func (c *Config) clipped(t *training) int {
	if c.LambdaMinClipped == nil {
		return 0
	}
	n := 0
	for _, s := range t.sigmas {
		if float64(float32(-math.Log(s))) < *c.LambdaMinClipped {
			n++
		}
	}
	return n
}

// solverLevels are those of DPMSolverMultistepScheduler and its relatives, whose
// levels lie between the lowest and the highest of training.
func solverLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	last := c.TrainTimesteps
	if accepted(c.Class)["lambda_min_clipped"] {
		last -= c.clipped(t)
	}
	if last < 1 {
		return nil, nil, fmt.Errorf("sched: lambda_min_clipped is %g, want less than that of every training timestep",
			*c.LambdaMinClipped)
	}
	return c.solverEnds(t, c.spaced(steps, steps+1, last), steps)
}

// singlestepLevels are those of DPMSolverSinglestepScheduler, which has one spacing.
func singlestepLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	even := *c
	even.TimestepSpacing = "linspace"
	return c.solverEnds(t, even.spaced(steps, steps+1, c.TrainTimesteps-c.clipped(t)), steps)
}

// solverEnds returns the levels of times, or of a schedule of a number of steps in
// their place, and the last.
func (c *Config) solverEnds(t *training, times []float64, steps int) (sigmas, told []float64, err error) {
	end := t.sigmas[0]
	if between := c.between(); between != nil {
		lo, hi := c.bounds(t.sigmas[0], t.highest())
		if hi < lo {
			return nil, nil, fmt.Errorf("sched: sigma_max %.6g is below sigma_min %.6g", hi, lo)
		}
		if c.UseLu {
			lo, hi = t.sigmas[0], t.highest()
		}
		sigmas = between(lo, hi, steps)
		if c.has(ownEnd) {
			end = sigmas[len(sigmas)-1]
		}
		told = sigmaTimes(t.logs, sigmas)
		round := (c.UseKarras || c.UseLu) && !(c.has(cosineDown) && c.BetaSchedule == "squaredcos_cap_v2")
		for i := range told {
			if round {
				told[i] = math.RoundToEven(told[i])
			} else {
				told[i] = math.Trunc(told[i]) // which the reference does not round
			}
		}
	} else {
		sigmas, told = interpolate(t.sigmas, times), times
	}
	if c.FinalSigmas == "zero" && accepted(c.Class)["final_sigmas_type"] {
		end = 0
	}
	return append(sigmas, end), told, nil
}

// between returns the schedule that lies between two noise levels, or nil if
// noise levels come from timesteps.
func (c *Config) between() func(lo, hi float64, steps int) []float64 {
	reads := accepted(c.Class)
	switch {
	case c.UseKarras && (reads["use_karras_sigmas"] || c.isEDM()):
		return karras
	case c.UseLu && (reads["use_lu_lambdas"] || c.isEDM()), c.UseExponential && (reads["use_exponential_sigmas"] || c.isEDM()):
		return exponentialBetween
	case c.UseBeta && (reads["use_beta_sigmas"] || c.isEDM()):
		return betaBetween
	}
	return nil
}

func (c *Config) bounds(lo, hi float64) (float64, float64) {
	return or(c.SigmaMin, lo), or(c.SigmaMax, hi)
}

// gridLevels are those of whole training timesteps, and an end.
func (c *Config) gridLevels(t *training, times []float64, end float64) (sigmas, told []float64, err error) {
	for _, time := range times {
		if i := int(time); i < 0 || i >= len(t.sigmas) {
			return nil, nil, fmt.Errorf("sched: %d steps, %s with steps_offset %d, have timestep %d of %d; want another number of steps or offset",
				len(times), c.TimestepSpacing, c.StepsOffset, i, len(t.sigmas))
		}
		sigmas = append(sigmas, t.sigmas[int(time)])
	}
	return append(sigmas, end), times, nil
}

// ddimLevels end where a step from the last timestep leads, by the number of
// training timesteps that a step has whatever the spacing.
func ddimLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	times = c.spaced(steps, steps, c.TrainTimesteps)
	end := t.at(int(times[len(times)-1])-c.TrainTimesteps/steps, c.lastLevel(t))
	return c.gridLevels(t, times, end)
}

// lastLevel returns the level below that of the first timestep.
func (c *Config) lastLevel(t *training) float64 {
	if c.SetAlphaToOne {
		return 0
	}
	return t.sigmas[0]
}

func ddpmLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	return c.gridLevels(t, c.spaced(steps, steps, c.TrainTimesteps), 0)
}

// distilledTimes are those of consistency models: of the timesteps that they
// were distilled with, evenly from the last one down.
func (c *Config) distilledTimes(steps int) ([]float64, error) {
	n := c.OriginalSteps
	if n < 1 || n > c.TrainTimesteps {
		return nil, fmt.Errorf("sched: original_inference_steps is %d, want 1 to num_train_timesteps %d", n, c.TrainTimesteps)
	}
	if steps > n {
		return nil, fmt.Errorf("sched: %d steps, want at most original_inference_steps %d", steps, n)
	}
	times := make([]float64, steps)
	for i := range times {
		times[i] = float64((n-int(float64(i)*(float64(n)/float64(steps))))*(c.TrainTimesteps/n) - 1)
	}
	return times, nil
}

func lcmLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	if times, err = c.distilledTimes(steps); err != nil {
		return nil, nil, err
	}
	return c.gridLevels(t, times, 0)
}

// tcdLevels end at the first timestep.
func tcdLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	if times, err = c.distilledTimes(steps); err != nil {
		return nil, nil, err
	}
	return c.gridLevels(t, times, t.sigmas[0])
}

// edmLevels are those of the schedulers of Karras et al. 2022, which are told
// the noise level itself.
func edmLevels(c *Config, t *training, steps int) (sigmas, times []float64, err error) {
	if between := c.between(); between != nil {
		lo, hi := c.edmBounds()
		sigmas = between(lo, hi, steps)
	} else {
		sigmas = c.edmSigmas(steps)
	}
	end := 0.0
	if c.FinalSigmas == "sigma_min" {
		end = sigmas[steps-1]
		if c.has(multistepEDM) {
			end, _ = c.edmBounds()
		}
	}
	for _, s := range sigmas {
		times = append(times, float64(float32(edmTime(float64(float32(s))))))
	}
	return append(sigmas, end), slices.Clip(times), nil
}
