package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sched/guidance"
)

// guidanceFlags are the flags that say how the two sides become one.
type guidanceFlags struct {
	settings guidance.Settings
	apg      guidance.APG
}

func (f *guidanceFlags) add(cmd *cobra.Command) {
	flags, s := cmd.Flags(), &f.settings
	f.apg = guidance.DefaultAPG()
	flags.StringVar(&s.Method, "guidance", "", "guidance: "+strings.Join(guidance.Methods(), ", ")+" (default cfg)")
	flags.Float64Var(&s.Rescale, "cfg-rescale", 0, "share, 0 to 1, by which guidance keeps the deviation of the positive side")
	flags.Var(scheduleFlag{s}, "cfg-schedule", "scale over the steps: "+strings.Join(guidance.Schedules(), ", ")+", or numbers such as 7,5,1 (default constant)")
	flags.Float64SliceVar(&s.Interval, "cfg-interval", nil, "shares of the steps between which there is guidance, such as 0.2,0.8")
	flags.Float64SliceVar(&s.Sigmas, "cfg-sigmas", nil, "noise levels between which there is guidance, such as 0.28,5.42")
	flags.Float64Var(&f.apg.Eta, "apg-eta", f.apg.Eta, "apg: of what the prompt adds, the share kept along the positive estimate")
	flags.Float64Var(&f.apg.Norm, "apg-norm", f.apg.Norm, "apg: bound of what the prompt adds; 0 is none")
	flags.Float64Var(&f.apg.Momentum, "apg-momentum", f.apg.Momentum, "apg: of the steps before")
	flags.BoolVar(&f.apg.OnOutput, "apg-on-output", false, "apg: of the network's outputs, as diffusers' guiders, not of estimates of x0")
	flags.Float64Var(&s.Threshold, "threshold", 0, "dynamic thresholding: percentile, 0 to 1, such as 0.995")
	flags.Float64Var(&s.Mimic, "mimic", 0, "dynamic thresholding for latents: the scale whose reach is kept")
}

// of returns the settings of a command line.
func (f *guidanceFlags) of(cmd *cobra.Command) guidance.Settings {
	s := f.settings
	if slices.ContainsFunc([]string{"apg-eta", "apg-norm", "apg-momentum", "apg-on-output"}, cmd.Flags().Changed) {
		s.APG = &f.apg
	}
	return s
}

// scheduleFlag is the name of a schedule of the scale, or its numbers.
type scheduleFlag struct{ *guidance.Settings }

func (f scheduleFlag) String() string { return "" }

func (f scheduleFlag) Type() string { return "NAME|NUMBERS" }

func (f scheduleFlag) Set(text string) error {
	f.Schedule, f.Scales = "", nil
	if slices.Contains(guidance.Schedules(), text) {
		f.Schedule = text
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return fmt.Errorf("want %s, or numbers such as 7,5,1", strings.Join(guidance.Schedules(), ", "))
		}
		f.Scales = append(f.Scales, v)
	}
	return nil
}
