//go:build !nodemo

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

// samplingFlags say which sampler runs along which noise levels.
type samplingFlags struct {
	sampler, schedule string
	steps             int
}

func (f *samplingFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.sampler, "sampler", "dpmpp_2m", "sampler: "+strings.Join(sched.SamplerNames(), ", "))
	flags.StringVar(&f.schedule, "schedule", "karras", "sigmas: "+strings.Join(sched.ScheduleNames(), ", "))
	flags.IntVar(&f.steps, "steps", 20, "sampling steps")
}

func (f *samplingFlags) of(s *sdxl.Study) (sched.Sampler, []float64, error) {
	sampler, err := sched.SamplerNamed(f.sampler)
	if err != nil {
		return sched.Sampler{}, nil, err
	}
	sigmas, err := s.Sigmas(f.schedule, f.steps)
	return sampler, sigmas, err
}

func newLabTrace() *cobra.Command {
	var f studyFlags
	var run samplingFlags
	var out labFlags
	var parts int
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Measure the path to a picture: its curvature, and the error of each step",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if parts < 1 {
				return fmt.Errorf("--parts %d: want 1 or more", parts)
			}
			return f.run(cmd, func(s *sdxl.Study) error {
				sampler, sigmas, err := run.of(s)
				if err != nil {
					return err
				}
				points, err := lab.Trace(cmd.Context(), s, sampler, sigmas, parts)
				if err != nil {
					return err
				}
				return out.write(cmd, study{value: points, table: lab.TraceTable(points), figure: lab.TraceFigure(points)})
			})
		},
	}
	f.add(cmd)
	run.add(cmd)
	out.add(cmd)
	cmd.Flags().IntVar(&parts, "parts", 16, "substeps in which the exact solution of a step is computed")
	return cmd
}
