package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
)

func newLab() *cobra.Command {
	cmd := &cobra.Command{Use: "lab", Short: "Study samplers"}
	cmd.AddCommand(newLabConverge())
	return cmd
}

func newLabConverge() *cobra.Command {
	var names []string
	var problem, csvPath string
	var out outputFlags
	var steps []int
	cmd := &cobra.Command{
		Use:   "converge",
		Short: "Measure the order at which samplers approach an exact solution",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if csvPath != "" {
				if err := checkWritable(csvPath); err != nil {
					return err
				}
			}
			p, err := lab.ProblemNamed(problem)
			if err != nil {
				return err
			}
			samplers := make([]sched.Sampler, len(names))
			for i, name := range names {
				if samplers[i], err = sched.SamplerNamed(name); err != nil {
					return err
				}
			}
			curves, err := lab.Converge(cmd.Context(), samplers, p, steps)
			if err != nil {
				return err
			}
			if len(curves) == 0 {
				return fmt.Errorf("--sampler %s: these add noise, and an order is measured of others only", strings.Join(names, ","))
			}
			if csvPath != "" {
				if err := atomicfile.Write(csvPath, func(w io.Writer) error { return lab.WriteCSV(w, curves) }); err != nil {
					return err
				}
			}
			return out.write(cmd.OutOrStdout(), curves, func(w io.Writer) error { return lab.WriteTable(w, curves) },
				func(w io.Writer, format string) error { return lab.WritePlot(w, format, curves) })
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&names, "sampler", sched.SamplerNames(), "samplers; those that add noise are left out")
	flags.StringVar(&problem, "problem", "mixture", "gaussian or mixture")
	flags.IntSliceVar(&steps, "steps", []int{16, 32, 64, 128, 256, 512}, "numbers of steps")
	flags.StringVar(&csvPath, "csv", "", "CSV file to write too")
	out.addJSON(cmd)
	out.addPlot(cmd)
	return cmd
}
