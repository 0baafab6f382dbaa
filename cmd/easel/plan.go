package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/bench/peak"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

// planEfficiency is the part of the processor's peak that networks of this size reach.
const planEfficiency = 0.8

func newPlan() *cobra.Command {
	var f modelFlags
	var memory bytesFlag
	var o sdxl.Options
	var steps, batch int
	var cfg float64
	var guidance guidanceFlags
	var adapters adapterFlags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Estimate the memory, arithmetic and time of a picture without making it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pipe, closePipe, err := f.pipeline(cmd, sdxl.AllParts,
				sdxl.PipelineOptions{Memory: memory.n, Adapters: &adapters.library, Embeddings: &adapters.words})
			if err != nil {
				return err
			}
			defer closePipe()
			o.Steps, o.Batch = &steps, &batch
			if cmd.Flags().Changed("cfg") {
				o.CFG = &cfg
			}
			guidance.apply(cmd, &o)
			if o.Adapters, err = adapters.adapters(); err != nil {
				return err
			}
			stages, err := pipe.Plan(cmd.Context(), o)
			if err != nil {
				return err
			}
			return printPlan(cmd.Context(), cmd.OutOrStdout(), pipe.Backend(), f.threads, stages)
		},
	}
	f.add(cmd)
	f.dtype.add(cmd)
	f.device.add(cmd)
	f.addSpill(cmd)
	flags := cmd.Flags()
	flags.IntVar(&o.Width, "width", 0, "width in pixels (default: the model's)")
	flags.IntVar(&o.Height, "height", 0, "height in pixels (default: the model's)")
	flags.IntVar(&steps, "steps", sdxl.DefaultSteps, "sampling steps")
	flags.Float64Var(&cfg, "cfg", sdxl.DefaultCFG, "guidance scale; 1 or less is no guidance")
	guidance.add(cmd)
	adapters.addUse(cmd)
	flags.IntVar(&batch, "batch", 1, "number of pictures")
	flags.StringVar(&o.Cache, "cache", "", "cache across steps, such as deepcache:3; for first-block:0.1 the plan shows the maximum")
	flags.Var(&memory, "memory", "memory to use in addition to the model's file, such as 2GiB (default: no limit)")
	return cmd
}

// rateOf returns how many operations a second networks can be expected to do,
// or 0 if that is not known. The processor's rate is measured.
func rateOf(ctx context.Context, b nn.Backend, threads int) (float64, error) {
	threads, err := threadsOf(threads)
	if _, here := b.(*cpu.Backend); !here || err != nil {
		return 0, err
	}
	gflops, err := peak.Best(ctx, "F32", threads, 200*time.Millisecond)
	return gflops * planEfficiency * 1e9, err
}

func printPlan(ctx context.Context, w io.Writer, b nn.Backend, threads int, stages []sdxl.Stage) error {
	rate, err := rateOf(ctx, b, threads)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, b.Name())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "stage\truns\tbatch\tTFLOP\tweights in file\ton the device\tactivations\tscratch\tkept\tin a file\tabout\t")
	size := func(n int64) string { return humanize.IBytes(uint64(n)) }
	var most, resident int64
	for _, s := range stages {
		entries, err := census.Of(s.Graph)
		if err != nil {
			return err
		}
		flops := census.FLOPs(entries) * float64(s.Runs)
		p := s.Footprint
		most, resident = max(most, p.Total()+s.Kept), resident+p.Resident
		about := "-"
		if rate > 0 {
			about = fmt.Sprintf("%.3g s", flops/rate)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.3g\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", s.Name, s.Runs, s.Batch, flops/1e12,
			size(p.Weights), size(p.Resident), size(p.Activations), size(p.Packed+p.Scratch), size(s.Kept), size(p.Spilled), about)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if resident > 0 {
		_, err = fmt.Fprintf(w, "peak %s on the device beside %s of weights, which stay if there is room\n", size(most), size(resident))
		return err
	}
	_, err = fmt.Fprintf(w, "peak %s beside the model's file\n", size(most))
	return err
}
