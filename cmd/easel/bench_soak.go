//go:build !nodemo

package main

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/load"
	"github.com/df65613c/easel/bench/report"
	"github.com/df65613c/easel/sdxl/serve"
)

// soakReport is what easel bench soak prints.
type soakReport struct {
	report.Environment
	*load.SoakResult
}

func newBenchSoak() *cobra.Command {
	var model modelFlags
	var out outputFlags
	p := load.SoakPlan{Plan: load.Plan{Steps: 1, Width: 64, Height: 64, Patience: 20 * time.Millisecond}}
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Send a server very many requests of all kinds, and check that it does not grow",
		Long: `Send a server very many requests of all kinds: pictures in each of the forms of answers, embeddings,
lists, malformed ones, and requests whose client leaves in the middle. After each round the server
rests, and its memory, goroutines and file descriptors are counted. The command fails if answers
were wrong, or if the counts have grown at the end.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, v := range []struct {
				flag string
				is   int
			}{{"requests", p.Requests}, {"rounds", p.Rounds}, {"clients", p.Clients}} {
				if v.is < 1 {
					return fmt.Errorf("--%s is %d, want 1 or more", v.flag, v.is)
				}
			}
			if err := out.check(); err != nil {
				return err
			}
			server, err := startBenchServer(cmd, &model, serve.Options{})
			if err != nil {
				return err
			}
			defer server.stop()
			http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = p.Clients
			p.URL = server.url
			p.Settle = func() { runtime.GC(); runtime.GC() } // and what finalizers and pools held
			p.Tell = func(s load.Sample) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d requests, %.0f s: heap %.1f MiB, %.0f goroutines, %.0f descriptors\n", s.Requests,
					s.Seconds, s.Heap/(1<<20), s.Goroutines, s.Descriptors)
			}
			result, err := load.Soak(cmd.Context(), p)
			if err != nil && (result == nil || len(result.Samples) == 0) {
				return err
			}
			r := soakReport{server.environment, result}
			if err := out.write(cmd.OutOrStdout(), r, r.table, r.plot); err != nil {
				return err
			}
			return r.verdict()
		},
	}
	model.add(cmd)
	out.addJSON(cmd)
	out.addPlot(cmd)
	flags := cmd.Flags()
	flags.IntVar(&p.Requests, "requests", 100_000, "requests in all")
	flags.IntVar(&p.Rounds, "rounds", 50, "rounds, after each of which the server rests")
	flags.IntVar(&p.Clients, "clients", 8, "clients at once")
	return cmd
}

// What may be more at the end than at the beginning, by chance.
const (
	soakHeap  = 4 << 20 // bytes
	soakCount = 4       // goroutines, descriptors
)

func (r soakReport) verdict() error {
	if n := len(r.Wrong); n > 0 {
		return fmt.Errorf("%d answers are wrong, the first: %s", n, r.Wrong[0])
	}
	if heap, goroutines, descriptors := r.Growth(); heap > soakHeap || goroutines > soakCount || descriptors > soakCount {
		return fmt.Errorf("it holds more at the end: %.1f MiB of heap, %.0f goroutines, %.0f descriptors", heap/(1<<20),
			goroutines, descriptors)
	}
	return nil
}

func (r soakReport) table(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d threads, %s; %d answers wrong\n", r.Processor, r.Threads, r.Commit, len(r.Wrong))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "requests\tseconds\theap, MiB\tresident, MiB\tgoroutines\tdescriptors\t")
	for _, s := range r.Samples {
		fmt.Fprintf(tw, "%d\t%.0f\t%.1f\t%.1f\t%.0f\t%.0f\t\n", s.Requests, s.Seconds, s.Heap/(1<<20), s.Resident/(1<<20),
			s.Goroutines, s.Descriptors)
	}
	return tw.Flush()
}

func (r soakReport) plot(w io.Writer, format string) error {
	lines := []report.Line{{Name: "heap, MiB"}, {Name: "resident, MiB"}, {Name: "goroutines"}, {Name: "file descriptors"}}
	for _, s := range r.Samples {
		for i, y := range []float64{s.Heap / (1 << 20), s.Resident / (1 << 20), s.Goroutines, s.Descriptors} {
			lines[i].X, lines[i].Y = append(lines[i].X, float64(s.Requests)), append(lines[i].Y, y)
		}
	}
	return report.WriteLines(w, format, "soak, "+r.Processor, "requests", lines)
}
