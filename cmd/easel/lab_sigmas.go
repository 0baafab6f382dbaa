//go:build !nodemo

package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

func newLabSigmas() *cobra.Command {
	var out labFlags
	var schedules []string
	var model string
	var allowUnused bool
	var o sched.Overrides
	var steps int
	cmd := &cobra.Command{
		Use:   "sigmas",
		Short: "Show the noise levels of schedules",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			config := sched.DefaultConfig()
			if model != "" {
				m, err := openModel(model, sdxl.OpenOptions{Parts: sdxl.UNetPart, AllowUnused: allowUnused})
				if err != nil {
					return err
				}
				defer m.Close()
				config = m.Scheduler
			}
			levels, err := lab.Sigmas(config, o, schedules, steps)
			if err != nil {
				return err
			}
			return out.write(cmd, study{value: levels, table: lab.SigmasTable(levels), figure: lab.SigmasFigure(levels)})
		},
	}
	out.add(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&schedules, "schedule", sched.ScheduleNames(), "sigmas")
	flags.Lookup("schedule").DefValue = "all"
	flags.StringVar(&o.Sampler, "sampler", "euler", "sampler that uses them: "+strings.Join(sched.SamplerNames(), ", "))
	flags.StringVar(&o.Spacing, "spacing", "", "timesteps: leading, linspace, trailing (default: the model's)")
	flags.StringVar(&o.Dialect, "dialect", "",
		"program that gives the names their meaning: "+strings.Join(sched.DialectNames(), ", ")+" (default diffusers)")
	flags.IntVar(&steps, "steps", sdxl.DefaultSteps, "sampling steps")
	flags.StringVarP(&model, "model", "m", "",
		"diffusers folder, single-file checkpoint, or org/name of a model in the Hugging Face cache (default: SDXL's training)")
	flags.BoolVar(&allowUnused, "allow-unused", false, "continue although tensors of the model are unused")
	return cmd
}
