package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/peak"
)

func newBenchPeak() *cobra.Command {
	var out outputFlags
	var threads []int
	var each time.Duration
	cmd := &cobra.Command{
		Use:   "peak",
		Short: "Measure the processor's peak: arithmetic by instruction set, and the memory's bandwidth",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var result struct {
				Arithmetic []peak.Rate      `json:"arithmetic"`
				Memory     []peak.Bandwidth `json:"memory"`
			}
			for _, n := range threads {
				if n < 1 {
					return fmt.Errorf("--threads %d: want 1 or more", n)
				}
			}
			for _, n := range slices.Compact(threads) {
				rates, err := peak.Arithmetic(cmd.Context(), n, each)
				if err != nil {
					return err
				}
				memory, err := peak.Memory(cmd.Context(), n)
				if err != nil {
					return err
				}
				result.Arithmetic = append(result.Arithmetic, rates...)
				result.Memory = append(result.Memory, memory)
			}
			return out.write(cmd.OutOrStdout(), result, func(w io.Writer) error {
				tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
				fmt.Fprintln(tw, "set\tdtype\tthreads\tGop/s\ta thread\t")
				for _, r := range result.Arithmetic {
					fmt.Fprintf(tw, "%s\t%s\t%d\t%.0f\t%.0f\t\n", r.Set, r.DType, r.Threads, r.Gops, r.Gops/float64(r.Threads))
				}
				fmt.Fprintln(tw, "\t\tthreads\tread GB/s\tcopy GB/s\t")
				for _, m := range result.Memory {
					fmt.Fprintf(tw, "\t\t%d\t%.1f\t%.1f\t\n", m.Threads, m.Read, m.Copy)
				}
				return tw.Flush()
			}, nil)
		},
	}
	out.addJSON(cmd)
	cmd.Flags().IntSliceVar(&threads, "threads", []int{1, runtime.GOMAXPROCS(0)}, "numbers of threads")
	cmd.Flags().DurationVar(&each, "time", time.Second, "time for each measurement")
	return cmd
}
