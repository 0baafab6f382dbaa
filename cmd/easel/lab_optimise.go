//go:build !nodemo

package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

func newLabOptimise() *cobra.Command {
	var f studyFlags
	var out labFlags
	var steps, levels int
	var schedule string
	var growth float64
	cmd := &cobra.Command{
		Use:   "optimise",
		Short: "Find the noise levels along which Euler's method follows a model best",
		Long: `Follow a picture's path along many noise levels, and choose --steps of these levels with the least
sum of local errors (GITS, Chen et al. 2024). Other pictures of the model can use the levels: give
them with --sigmas.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if steps < 1 || levels < steps {
				return fmt.Errorf("--steps %d of --levels %d: want 1 or more, and no more than levels", steps, levels)
			}
			return f.run(cmd, func(s *sdxl.Study) error {
				fine, err := s.Sigmas(schedule, levels)
				if err != nil {
					return err
				}
				sigmas, err := lab.Optimise(cmd.Context(), s, fine, steps, growth)
				if err != nil {
					return err
				}
				shown := []lab.Levels{{Schedule: "optimised", Sigmas: sigmas}}
				err = out.write(cmd, study{value: shown, table: lab.SigmasTable(shown), figure: lab.SigmasFigure(shown)})
				var flag []string
				for _, v := range sigmas {
					flag = append(flag, strconv.FormatFloat(v, 'g', 6, 64))
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "--sigmas %s\n", strings.Join(flag, ","))
				return err
			})
		},
	}
	f.add(cmd)
	out.add(cmd)
	flags := cmd.Flags()
	flags.IntVar(&steps, "steps", 10, "sampling steps")
	flags.Float64Var(&growth, "growth", 1.15, "factor by which the error of a step counts more than that of the step before")
	flags.IntVar(&levels, "levels", 60, "noise levels of the path, without the last")
	flags.StringVar(&schedule, "schedule", "karras", "schedule of these levels: "+strings.Join(sched.ScheduleNames(), ", "))
	return cmd
}
