package sched

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// class is what a scheduler of diffusers is here.
type class struct {
	// levels makes the noise levels of a number of steps, the last included, and
	// the times given to the model at each but the last.
	levels func(c *Config, t *training, steps int) (sigmas, times []float64, err error)
	// method is its sampler with the options of a configuration.
	method func(c *Config, t *training, steps int) method
	// check names the faults of a configuration beside those of every class.
	check func(c *Config, e *faults)
	betas []string // beta_schedule beside the three of every class
	// predictions are the values of prediction_type, if not the usual three.
	predictions []string
}

// method is a sampler in both arithmetics, and which options of a run it uses.
type method struct {
	takes optionSet
	f32   run[float32]
	f64   run[float64]
}

// run is a sampler in one arithmetic.
type run[T Float] func(context.Context, *Run[T]) error

// classes are diffusers' schedulers that can sample from a latent diffusion model.
var classes = func() map[string]class {
	all := map[string]class{
		"EulerDiscreteScheduler": {levels: eulerLevels, method: eulerMethod, check: checkEuler,
			predictions: []string{"epsilon", "v_prediction", "sample", "original_sample"}},
		"EulerAncestralDiscreteScheduler": {levels: eulerLevels,
			method: plain(takesEta|takesSNoise, EulerAncestral[float32], EulerAncestral[float64])},
		"HeunDiscreteScheduler": {levels: eulerLevels,
			method: limited(takesChurn|takesSNoise, Heun[float32], Heun[float64]), betas: []string{"exp"}},
		"KDPM2DiscreteScheduler": {levels: eulerLevels, method: plain(takesChurn|takesSNoise, DPM2[float32], DPM2[float64])},
		"KDPM2AncestralDiscreteScheduler": {levels: eulerLevels,
			method: plain(takesEta|takesSNoise, kdpm2Ancestral[float32], kdpm2Ancestral[float64])},
		"LMSDiscreteScheduler":  {levels: eulerLevels, method: plain(0, lmsSteps[float32], lmsSteps[float64])},
		"DPMSolverSDEScheduler": {levels: eulerLevels, method: sdeMethod},
		"DDIMScheduler":         {levels: ddimLevels, method: told(ddimMethod)},
		"DDPMScheduler": {levels: ddpmLevels, method: told(ddpmMethod), check: checkDDPM,
			betas: []string{"sigmoid", "laplace"}},
		"PNDMScheduler": {levels: pndmLevels, method: told(pndmMethod),
			predictions: []string{"epsilon", "v_prediction"}},
		"LCMScheduler":                 {levels: lcmLevels, method: told(lcmMethod)},
		"TCDScheduler":                 {levels: tcdLevels, method: told(tcdMethod)},
		"IPNDMScheduler":               {levels: ipndmLevels, method: ipndmMethod, check: checkIPNDM},
		"DPMSolverMultistepScheduler":  {levels: solverLevels, method: dpmMultistepMethod, check: checkDPM},
		"DPMSolverSinglestepScheduler": {levels: singlestepLevels, method: dpmSinglestepMethod, check: checkDPM},
		"DEISMultistepScheduler":       {levels: solverLevels, method: deisMethod, check: checkOrder},
		"UniPCMultistepScheduler":      {levels: solverLevels, method: uniPCMethod, check: checkUniPC},
		"SASolverScheduler":            {levels: solverLevels, method: saMethod, check: checkSA},
		"EDMEulerScheduler": {levels: edmLevels, method: eulerMethod, check: checkEDM,
			predictions: []string{"epsilon", "v_prediction"}},
		"EDMDPMSolverMultistepScheduler": {levels: edmLevels, method: dpmMultistepMethod, check: checkEDM,
			predictions: []string{"epsilon", "v_prediction"}},
	}
	for name, as := range sameClasses {
		all[name] = all[as]
	}
	return all
}()

// plain is a method without options of a configuration.
func plain(takes optionSet, f32 run[float32], f64 run[float64]) func(*Config, *training, int) method {
	return func(*Config, *training, int) method { return method{takes, f32, f64} }
}

// limited is a method on estimates of x0 that a configuration limits.
func limited(takes optionSet, f32 run[float32], f64 run[float64]) func(*Config, *training, int) method {
	return func(c *Config, _ *training, _ int) method {
		return method{takes, within(c.limit(), f32), within(c.limit(), f64)}
	}
}

// told is a method of training timesteps, which a run must have.
func told(m func(*Config, *training, int) method) func(*Config, *training, int) method {
	return func(c *Config, t *training, steps int) method {
		made := m(c, t, steps)
		return method{made.takes, toldRun(made.f32), toldRun(made.f64)}
	}
}

func toldRun[T Float](f run[T]) run[T] {
	return func(ctx context.Context, r *Run[T]) error {
		if r.Timesteps == nil {
			return ErrNoTimesteps
		}
		return f(ctx, r)
	}
}

// class returns what the configuration's scheduler is, and what of it is not supported.
func (c *Config) class() (class, error) {
	k, ok := classes[c.Class]
	if !ok {
		return k, fmt.Errorf("sched: _class_name %s is not supported, want %s; or name a sampler: %s",
			c.Class, strings.Join(slices.Sorted(maps.Keys(classes)), ", "), strings.Join(SamplerNames(), ", "))
	}
	return k, c.validate(k)
}
