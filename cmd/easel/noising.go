package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

// noisingFlags say how much noise a sampler adds, by k-diffusion's names, and of
// which order it is.
type noisingFlags struct {
	eta, noise float64
	churn      sched.Churn
	restart    restartFlag
	order      int
}

func (f *noisingFlags) add(flags *pflag.FlagSet) {
	flags.Float64Var(&f.eta, "eta", 0,
		"share of the removed noise that ancestral and SDE samplers, and ddim, add again, 0 to 1 (default: the sampler's)")
	flags.Float64Var(&f.noise, "s-noise", 1, "factor of the added noise")
	flags.Float64Var(&f.churn.Amount, "s-churn", 0, "noise that euler, heun and dpm_2 add over all steps (stochastic churn)")
	flags.Float64Var(&f.churn.Min, "s-tmin", 0, "lowest noise level at which --s-churn adds noise")
	flags.Float64Var(&f.churn.Max, "s-tmax", 0, "highest noise level at which --s-churn adds noise; 0 is no limit")
	flags.Var(&f.restart, "restart",
		"for the sampler restart: the noise level from which it goes back up, the level to which it goes, the number of steps down again, and how many times (default: 0.1, 2 and a quarter of the steps, once, or twice from 36 steps on)")
	flags.IntVar(&f.order, "order", 0,
		"highest order of uni_pc, uni_pc_bh2, deis and diffusers' dpmpp_2m, 1 to 3 (default: the sampler's)")
}

// value returns what was given.
func (f *noisingFlags) value(flags *pflag.FlagSet) (n sdxl.Noising) {
	n.Restart = f.restart.restart
	if flags.Changed("eta") {
		n.Eta = &f.eta
	}
	if flags.Changed("s-noise") {
		n.SNoise = &f.noise
	}
	if f.churn != (sched.Churn{}) {
		n.Churn = &f.churn
	}
	n.Order = f.order
	return n
}

// restartFlag is where restart sampling goes back up, such as 0.1,2,5,1.
type restartFlag struct{ restart *sched.Restart }

// Set implements pflag.Value.
func (f *restartFlag) Set(text string) error {
	var r sched.Restart
	var end string
	n, _ := fmt.Sscanf(text+" end", "%g,%g,%d,%d %s", &r.Min, &r.Max, &r.Steps, &r.Times, &end)
	if n != 5 || end != "end" {
		return errors.New("want two noise levels, a number of steps and one of times, such as 0.1,2,5,1")
	}
	f.restart = &r
	return r.Check()
}

// String implements pflag.Value.
func (f *restartFlag) String() string {
	if f.restart == nil {
		return ""
	}
	return fmt.Sprintf("%g,%g,%d,%d", f.restart.Min, f.restart.Max, f.restart.Steps, f.restart.Times)
}

// Type implements pflag.Value.
func (f *restartFlag) Type() string { return "low,high,steps,times" }
