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
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Say what a picture takes, before it is made: memory, arithmetic, time",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := f.open(cmd.ErrOrStderr(), sdxl.AllParts)
			if err != nil {
				return err
			}
			defer m.Close()
			b := f.backend()
			defer b.Close()
			o.Steps, o.Batch = &steps, &batch
			if cmd.Flags().Changed("cfg") {
				o.CFG = &cfg
			}
			guidance.apply(cmd, &o)
			stages, err := (&sdxl.Pipeline{Model: m, Backend: b, Memory: memory.n}).Plan(cmd.Context(), o)
			if err != nil {
				return err
			}
			return printPlan(cmd.Context(), cmd.OutOrStdout(), b.Name(), f.threads, stages)
		},
	}
	f.add(cmd)
	f.dtype.add(cmd)
	f.addSpill(cmd)
	flags := cmd.Flags()
	flags.IntVar(&o.Width, "width", 0, "width in pixels (default: the model's)")
	flags.IntVar(&o.Height, "height", 0, "height in pixels (default: the model's)")
	flags.IntVar(&steps, "steps", sdxl.DefaultSteps, "sampling steps")
	flags.Float64Var(&cfg, "cfg", sdxl.DefaultCFG, "guidance scale; 1 or less is no guidance")
	guidance.add(cmd)
	flags.IntVar(&batch, "batch", 1, "number of pictures")
	flags.StringVar(&o.Cache, "cache", "", "cache across steps, such as deepcache:3; of first-block:0.1 the most")
	flags.Var(&memory, "memory", "memory to use beside the model's file, such as 2GiB (default: what is needed)")
	return cmd
}

func printPlan(ctx context.Context, w io.Writer, backend string, threads int, stages []sdxl.Stage) error {
	threads, err := threadsOf(threads)
	if err != nil {
		return err
	}
	gflops, err := peak.Best(ctx, "F32", threads, 200*time.Millisecond)
	if err != nil {
		return err
	}
	rate := gflops * planEfficiency * 1e9
	fmt.Fprintln(w, backend)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "stage\truns\tbatch\tTFLOP\tweights in file\tactivations\tscratch\tkept\tin a file\tabout\t")
	size := func(n int64) string { return humanize.IBytes(uint64(n)) }
	var most int64
	for _, s := range stages {
		entries, err := census.Of(s.Graph)
		if err != nil {
			return err
		}
		flops := census.FLOPs(entries) * float64(s.Runs)
		p := s.Footprint
		most = max(most, p.Total()+s.Kept)
		fmt.Fprintf(t, "%s\t%d\t%d\t%.3g\t%s\t%s\t%s\t%s\t%s\t%.3g s\t\n", s.Name, s.Runs, s.Batch, flops/1e12,
			size(p.Weights), size(p.Activations), size(p.Packed+p.Scratch), size(s.Kept), size(p.Spilled), flops/rate)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "peak %s beside the model's file\n", size(most))
	return err
}
