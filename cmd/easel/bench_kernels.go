package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/bench/kernels"
	"github.com/df65613c/easel/bench/mkmodel"
	"github.com/df65613c/easel/bench/peak"
	"github.com/df65613c/easel/bench/report"
	"github.com/df65613c/easel/nn/cpu"
)

// peakTime is how long a peak is measured that other figures are compared with.
const peakTime = time.Second / 2

// threadsOf returns the number of threads that a flag asks for.
func threadsOf(flag int) (int, error) {
	if flag < 0 {
		return 0, fmt.Errorf("--threads %d must not be negative", flag)
	}
	if flag == 0 {
		return runtime.GOMAXPROCS(0), nil
	}
	return flag, nil
}

func newBenchKernels() *cobra.Command {
	var out outputFlags
	var net networkFlags
	var preset, only string
	var flags arithmeticFlags
	var each time.Duration
	cmd := &cobra.Command{
		Use:       "kernels [unet|vae|clip]",
		Short:     "Measure each matrix product, convolution and attention of a network separately",
		ValidArgs: networkNames,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			n, err := threadsOf(flags.threads)
			if err != nil {
				return err
			}
			opts, dtype, err := flags.options()
			if err != nil {
				return err
			}
			opts.Threads = n
			backend := cpu.New(opts)
			defer backend.Close()
			if err := out.check(); err != nil {
				return err
			}
			a, err := mkmodel.Architecture(preset)
			if err != nil {
				return err
			}
			m, err := a.Networks()
			if err != nil {
				return err
			}
			name := "unet"
			if len(args) > 0 {
				name = args[0]
			}
			graphs, err := net.graphs(m, name)
			if err != nil {
				return err
			}
			var entries []census.Entry
			for _, g := range graphs {
				e, err := census.Of(g.Graph)
				if err != nil {
					return err
				}
				entries = append(entries, e...)
			}
			if entries, err = selected(entries, only); err != nil {
				return err
			}
			top, err := peak.Best(ctx, dtype, n, peakTime)
			if err != nil {
				return err
			}
			memory, err := peak.Memory(ctx, n)
			if err != nil {
				return err
			}
			r := kernelReport{Environment: report.NewEnvironment(backend.Name(), n), Peak: top, Bandwidth: memory.Read}
			bar := progressbar.NewOptions(len(entries), progressbar.OptionSetWriter(cmd.ErrOrStderr()),
				progressbar.OptionSetDescription("shapes"), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
			for _, e := range entries {
				k, err := kernels.Measure(ctx, e, kernels.Options{CPU: opts, Time: each})
				if err != nil {
					return fmt.Errorf("%s %s: %w", e.Kind(), e, err)
				}
				r.add(k)
				_ = bar.Add(1)
			}
			return out.write(cmd.OutOrStdout(), r, r.table, r.plot)
		},
	}
	out.addJSON(cmd)
	out.addPlot(cmd)
	net.add(cmd)
	cmd.Flags().StringVar(&preset, "preset", "sdxl-base", "architecture: "+strings.Join(mkmodel.Presets(), ", "))
	cmd.Flags().StringVar(&only, "only", "", "regular expression of the shapes to measure, such as ^linear/2048x")
	flags.add(cmd)
	cmd.Flags().IntVar(&flags.threads, "threads", 0, "threads (default: all processors)")
	cmd.Flags().DurationVar(&each, "time", time.Second/4, "time for each shape")
	return cmd
}

// selected returns the entries whose kind/shape match a regular expression.
func selected(entries []census.Entry, pattern string) ([]census.Entry, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	var names []string
	kept := slices.DeleteFunc(slices.Clone(entries), func(e census.Entry) bool {
		name := e.Kind() + "/" + e.String()
		names = append(names, name)
		return !re.MatchString(name)
	})
	if len(kept) == 0 {
		return nil, fmt.Errorf("--only %s matches none of %s", pattern, strings.Join(names, " "))
	}
	return kept, nil
}

// percentOf returns 0 where there is no peak of the dtype to compare with.
func percentOf(gflops, peak float64) float64 {
	if peak == 0 {
		return 0
	}
	return 100 * gflops / peak
}

// kernelReport is what is printed of all shapes.
type kernelReport struct {
	report.Environment
	Peak      float64     `json:"peak_gflops"`
	Bandwidth float64     `json:"read_gbs"`
	Kernels   []kernelRow `json:"kernels"`
}

type kernelRow struct {
	Kind      string  `json:"kind"`
	Shape     string  `json:"shape"`
	Count     int     `json:"count"`
	GFLOP     float64 `json:"gflop"` // of all of them
	Seconds   float64 `json:"seconds"`
	GFLOPS    float64 `json:"gflops"`
	Percent   float64 `json:"percent_of_peak"`
	Error     float64 `json:"error"`
	Intensity float64 `json:"flops_per_byte"`
}

func (r *kernelReport) add(k kernels.Result) {
	const weight, activation = 2, 4 // bytes
	r.Kernels = append(r.Kernels, kernelRow{
		Kind: k.Kind(), Shape: k.String(), Count: k.Count, GFLOP: float64(k.Count) * k.FLOPs() / 1e9, Seconds: k.Seconds,
		GFLOPS: k.GFLOPS(), Percent: percentOf(k.GFLOPS(), r.Peak), Error: k.Error, Intensity: k.FLOPs() / k.Bytes(weight, activation),
	})
}

func (r *kernelReport) table(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "kind\tshape\tcount\tGFLOP\tms each\tGFLOP/s\t% of peak\terror\t")
	var seconds, work float64
	for _, k := range r.Kernels {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%.1f\t%.2f\t%.0f\t%.1f\t%.1e\t\n", k.Kind, k.Shape, k.Count, k.GFLOP, 1e3*k.Seconds,
			k.GFLOPS, k.Percent, k.Error)
		seconds += float64(k.Count) * k.Seconds
		work += k.GFLOP
	}
	fmt.Fprintf(tw, "all\t\t\t%.1f\t%.0f\t%.0f\t%.1f\t\t\n", work, 1e3*seconds, work/seconds, percentOf(work/seconds, r.Peak))
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s on %s: peak %.0f GFLOP/s, memory %.1f GB/s\n", r.Backend, r.Processor, r.Peak, r.Bandwidth)
	return err
}

func (r *kernelReport) plot(w io.Writer, format string) error {
	points := make([]report.Point, len(r.Kernels))
	for i, k := range r.Kernels {
		points[i] = report.Point{Kind: k.Kind, Intensity: k.Intensity, GFLOPS: k.GFLOPS}
	}
	return report.WriteRoofline(w, format, r.Peak, r.Bandwidth, points)
}
