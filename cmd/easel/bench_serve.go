//go:build !nodemo

package main

import (
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/load"
	"github.com/df65613c/easel/bench/report"
	"github.com/df65613c/easel/sdxl/serve"
)

// serveReport is what easel bench serve prints.
type serveReport struct {
	report.Environment
	Clients, Requests, Queue, Workers, Steps int
	Load                                     *load.Result
	Leave                                    load.Quantile // seconds until the work of a client that left is gone
}

func newBenchServe() *cobra.Command {
	var model modelFlags
	var out outputFlags
	p := load.Plan{Patience: 50 * time.Millisecond}
	var queue, workers, leaves int
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Measure the server under many clients at once",
		Long: `Measure the server under many clients at once: how long answers take, whether any is lost, mixed up
or made twice, and how soon the work for clients that leave has ended.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for name, v := range map[string]int{"clients": p.Clients, "requests": p.Requests, "queue": queue, "workers": workers, "leaves": leaves} {
				if v < 1 {
					return fmt.Errorf("--%s is %d, want 1 or more", name, v)
				}
			}
			server, err := startBenchServer(cmd, &model, serve.Options{Queue: queue, Workers: workers})
			if err != nil {
				return err
			}
			defer server.stop()
			p.URL = server.url
			http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = p.Clients
			r := serveReport{Environment: server.environment, Clients: p.Clients, Requests: p.Requests, Queue: queue,
				Workers: workers, Steps: p.Steps}
			if r.Load, err = load.Run(cmd.Context(), p); err != nil {
				return err
			}
			if r.Leave, err = load.Leave(cmd.Context(), p, leaves); err != nil {
				return err
			}
			if err := out.write(cmd.OutOrStdout(), r, r.table, nil); err != nil {
				return err
			}
			if wrong := len(r.Load.Wrong); wrong > 0 || r.Load.Made != r.Load.Answered {
				return fmt.Errorf("%d answers are wrong, and %d pictures were made for %d", wrong, r.Load.Made, r.Load.Answered)
			}
			return nil
		},
	}
	model.add(cmd)
	out.addJSON(cmd)
	flags := cmd.Flags()
	flags.IntVar(&p.Clients, "clients", 64, "clients at once")
	flags.IntVar(&p.Requests, "requests", 4, "requests of each client")
	flags.IntVar(&queue, "queue", 8, "requests that wait")
	flags.IntVar(&workers, "workers", 1, "requests worked on at once")
	flags.IntVar(&p.Steps, "steps", 4, "sampling steps of a picture")
	flags.IntVar(&p.Width, "width", 128, "width in pixels")
	flags.IntVar(&p.Height, "height", 128, "height in pixels")
	flags.IntVar(&leaves, "leaves", 40, "clients that leave in the middle, one after another")
	return cmd
}

func (r serveReport) table(w io.Writer) error {
	l := r.Load
	fmt.Fprintf(w, "%s, %d threads: %d clients of %d requests, a queue of %d, %d at once, %d steps\n", r.Processor, r.Threads,
		r.Clients, r.Requests, r.Queue, r.Workers, r.Steps)
	fmt.Fprintf(w, "%d answered, %d wrong, %d pictures made, %d times full, %.1f s, %.1f pictures/s\n", l.Answered,
		len(l.Wrong), l.Made, l.Full, l.Wall, float64(l.Answered)/l.Wall)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "milliseconds\tp50\tp99\tmost\t")
	for _, q := range []struct {
		name string
		load.Quantile
	}{{"accepted request to answer", l.Answer}, {"first try to answer", l.Total}, {"refusal", l.Refusal},
		{"work gone after its client left", r.Leave}} {
		fmt.Fprintf(tw, "%s\t%.1f\t%.1f\t%.1f\t\n", q.name, q.P50*1e3, q.P99*1e3, q.Max*1e3)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, wrong := range l.Wrong {
		fmt.Fprintln(w, wrong)
	}
	return nil
}
