//go:build !nodemo

package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/attack"
	"github.com/df65613c/easel/bench/report"
	"github.com/df65613c/easel/sdxl/serve"
)

// attackReport is what easel bench attack prints.
type attackReport struct {
	report.Environment
	Kinds []attack.Result `json:"kinds"`
}

func newBenchAttack() *cobra.Command {
	var model modelFlags
	var out outputFlags
	p := attack.Plan{Limits: attack.DefaultLimits}
	var connections int
	var only string
	cmd := &cobra.Command{
		Use:   "attack",
		Short: "Attack a server, and show what each kind of attack costs the server and a well-behaved client",
		Long: `Attack a server with bodies, prompts and pictures that cost more than they should, with connections
that stall, and with floods. The table shows the answer to each attack, its time, how much the
server's heap grows meanwhile, and how long a well-behaved client waits. The command fails if an
attack costs more than allowed. Attack only your own servers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if connections < 1 {
				return fmt.Errorf("--connections is %d, want 1 or more", connections)
			}
			pattern, err := regexp.Compile(only)
			if err != nil {
				return fmt.Errorf("--only %s: %w", only, err)
			}
			var r attackReport
			if p.URL == "" {
				server, err := startBenchServer(cmd, &model, serve.Options{})
				if err != nil {
					return err
				}
				defer server.stop()
				p.URL, r.Environment, p.Settle = server.url, server.environment, runtime.GC
			}
			kinds := slices.DeleteFunc(attack.Kinds(connections), func(k attack.Kind) bool { return !pattern.MatchString(k.Name) })
			if len(kinds) == 0 {
				return fmt.Errorf("--only %s matches no kind of attack", only)
			}
			tell := func(one attack.Result) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d in %.2f s %v\n", one.Name, one.Status, one.Time, one.Fault)
			}
			if r.Kinds, err = attack.Run(cmd.Context(), p, kinds, tell); err != nil {
				return err
			}
			if err := out.write(cmd.OutOrStdout(), r, r.table, nil); err != nil {
				return err
			}
			bad := 0
			for _, k := range r.Kinds {
				if k.Fault != nil {
					bad++
				}
			}
			if bad > 0 {
				return fmt.Errorf("%d of %d kinds cost more than they may", bad, len(r.Kinds)-1) // none is the good client alone
			}
			return nil
		},
	}
	model.add(cmd)
	out.addJSON(cmd)
	flags := cmd.Flags()
	flags.StringVar(&p.URL, "url", "", "server to attack, such as http://127.0.0.1:8080 (default: one in this program)")
	flags.StringVar(&p.Key, "key", "", "API key of the attacker and of the good client")
	flags.StringVar(&p.Good, "good", "", "local address of the good client, such as 127.0.0.2 (default: the attacker's)")
	flags.IntVar(&connections, "connections", 200, "connections of an attack at once; attacks with idle connections open 25 times as many")
	flags.StringVar(&only, "only", "", "regular expression of the kinds to try (default: all)")
	flags.DurationVar(&p.Stall, "stall", 5*time.Second, "how long attackers that stall do so")
	flags.DurationVar(&p.Limits.Time, "most-time", p.Limits.Time, "the longest that a refusal may take")
	flags.DurationVar(&p.Limits.Wait, "most-wait", p.Limits.Wait, "the longest that the good client may wait beyond twice what it waits alone and one turn of the attacker")
	flags.Int64Var(&p.Limits.Memory, "most-memory", p.Limits.Memory, "bytes that the heap may grow by")
	flags.Int64Var(&p.Limits.Answer, "most-answer", p.Limits.Answer, "most bytes of an answer without a picture")
	return cmd
}

func (r attackReport) table(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d threads, %s\n", r.Processor, r.Threads, r.Commit)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "kind\tstatus\tseconds\tanswer, bytes\theap, MiB\tgood client: p50\tp99\tmost, seconds\tof answers\ta turn, seconds\tfaults")
	for _, k := range r.Kinds {
		fmt.Fprintf(tw, "%s\t%d\t%.2f\t%d\t%d\t%.2f\t%.2f\t%.2f\t%d\t%.2f\t%v\n", k.Name, k.Status, k.Time, k.Answer, k.Memory>>20, k.Good.P50, k.Good.P99, k.Good.Max, k.Answers, k.Turn, k.Fault)
	}
	return tw.Flush()
}
