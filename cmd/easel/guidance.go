package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/unet"
)

// guidanceFlags are the flags that say how the two sides become one, and what
// else the network's answers are pushed by.
type guidanceFlags struct {
	settings guidance.Settings
	apg      guidance.APG
	pag      sdxl.PAG
	sag      float64
	freeU    freeUFlag
}

func (f *guidanceFlags) add(cmd *cobra.Command) {
	flags, s := cmd.Flags(), &f.settings
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("pag-layers") && !cmd.Flags().Changed("pag-scale") {
			return errors.New("--pag-layers is given without --pag-scale, want both")
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
	f.apg = guidance.DefaultAPG()
	flags.StringVar(&s.Method, "guidance", "", "guidance: "+strings.Join(guidance.Methods(), ", ")+" (default cfg)")
	flags.Float64Var(&s.Rescale, "cfg-rescale", 0,
		"share, 0 to 1, by which the standard deviation is brought back to the positive side's")
	flags.Var(scheduleFlag{s}, "cfg-schedule",
		"scale over the steps: "+strings.Join(guidance.Schedules(), ", ")+", or numbers such as 7,5,1 (default constant)")
	flags.Float64SliceVar(&s.Interval, "cfg-interval", nil, "`range` of the steps with guidance, as shares such as 0.2,0.8")
	flags.Float64SliceVar(&s.Sigmas, "cfg-sigmas", nil, "`range` of noise levels with guidance, such as 0.28,5.42")
	flags.Float64Var(&f.apg.Eta, "apg-eta", f.apg.Eta,
		"apg: share of the guidance update's component parallel to the positive estimate that is kept")
	flags.Float64Var(&f.apg.Norm, "apg-norm", f.apg.Norm, "apg: largest norm of the guidance update; 0 is no limit")
	flags.Float64Var(&f.apg.Momentum, "apg-momentum", f.apg.Momentum, "apg: momentum of earlier steps' updates")
	flags.BoolVar(&f.apg.OnOutput, "apg-on-output", false,
		"apg: work on the network's outputs, as diffusers' guiders do, instead of estimates of x0")
	flags.Float64Var(&s.Threshold, "threshold", 0, "dynamic thresholding: percentile, 0 to 1, such as 0.995")
	flags.Float64Var(&s.Mimic, "mimic", 0,
		"dynamic thresholding for latents: limit them to the range that guidance with this scale has")
	flags.Float64Var(&f.pag.Scale, "pag-scale", 0, "perturbed-attention guidance: its scale, such as 3")
	flags.StringSliceVar(&f.pag.Layers, "pag-layers", nil,
		"perturbed-attention guidance: patterns of the names of its layers (default mid)")
	flags.Float64Var(&f.sag, "sag", 0, "self-attention guidance: its scale, such as 0.75")
	flags.Var(&f.freeU, "freeu",
		"FreeU: factors B1,B2 for half of the backbone's channels and S1,S2 for low frequencies of the skip connections, such as 1.3,1.4,0.9,0.2")
}

// apply sets the options that a command line has.
func (f *guidanceFlags) apply(cmd *cobra.Command, o *sdxl.Options) {
	o.Guidance, o.SAG, o.FreeU = f.settings, f.sag, f.freeU.value
	if slices.ContainsFunc([]string{"apg-eta", "apg-norm", "apg-momentum", "apg-on-output"}, cmd.Flags().Changed) {
		o.Guidance.APG = &f.apg
	}
	if f.pag.Scale != 0 {
		o.PAG = &f.pag
	}
}

// freeUFlag is the four factors of FreeU.
type freeUFlag struct{ value *unet.FreeU }

func (f *freeUFlag) String() string {
	if f.value == nil {
		return ""
	}
	return fmt.Sprintf("%g,%g,%g,%g", f.value.B1, f.value.B2, f.value.S1, f.value.S2)
}

func (f *freeUFlag) Type() string { return "B1,B2,S1,S2" }

func (f *freeUFlag) Set(text string) error {
	var v [4]float64
	parts := strings.Split(text, ",")
	for i, part := range parts {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil || len(parts) != len(v) {
			return errors.New("want four numbers B1,B2,S1,S2 such as 1.3,1.4,0.9,0.2")
		}
		v[i] = n
	}
	f.value = &unet.FreeU{B1: v[0], B2: v[1], S1: v[2], S2: v[3]}
	return nil
}

// scheduleFlag is the name of a schedule of the scale, or its numbers.
type scheduleFlag struct{ *guidance.Settings }

func (f scheduleFlag) String() string {
	switch {
	case f.Settings == nil: // as the flags' package makes one
		return ""
	case f.Scales == nil:
		return f.Schedule
	}
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(f.Scales)), ","), "[]")
}

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
