//go:build !nodemo

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
)

func newLabConverge() *cobra.Command {
	var names []string
	var problem string
	var out labFlags
	var steps []int
	var strong bool
	var order int
	cmd := &cobra.Command{
		Use:   "converge",
		Short: "Measure the order at which samplers approach an exact solution",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			p, err := lab.ProblemNamed(problem)
			if err != nil {
				return err
			}
			samplers, err := samplersNamed(names)
			if err != nil {
				return err
			}
			if order < 0 || order > sched.MaxOrder {
				return fmt.Errorf("--order %d: want 1 to %d", order, sched.MaxOrder)
			}
			for i, s := range samplers {
				if order > 0 {
					samplers[i] = lab.WithOrder(s, order)
				}
			}
			measure := lab.Converge
			if strong {
				measure = lab.ConvergeStrong
				if !cmd.Flags().Changed("steps") {
					steps = []int{16, 32, 64}
				}
			}
			curves, err := measure(cmd.Context(), samplers, p, steps)
			if err != nil {
				return err
			}
			if len(curves) == 0 && strong {
				return fmt.Errorf("--sampler %s: strong errors are of samplers that draw noise once a step", strings.Join(names, ","))
			}
			if len(curves) == 0 {
				return fmt.Errorf("--sampler %s: these add noise, and their order is measured with --problem gaussian only",
					strings.Join(names, ","))
			}
			return out.write(cmd, study{value: curves, table: lab.ConvergeTable(curves), points: lab.PointsTable(curves),
				figure: lab.WorkPrecision(curves)})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&names, "sampler", sched.SamplerNames(),
		"samplers; those that add noise are measured on gaussian, and left out of others")
	flags.Lookup("sampler").DefValue = "all"
	flags.StringVar(&problem, "problem", "mixture", "gaussian or mixture")
	flags.IntSliceVar(&steps, "steps", []int{16, 32, 64, 128, 256, 512}, "numbers of steps")
	flags.BoolVar(&strong, "strong", false,
		"the error along one Brownian motion, with --problem gaussian (default --steps 16,32,64)")
	flags.IntVar(&order, "order", 0, "highest order of uni_pc, uni_pc_bh2 and deis, 1 to 3 (default: 3)")
	out.add(cmd)
	return cmd
}
