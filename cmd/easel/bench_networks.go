package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/networks"
	"github.com/df65613c/easel/bench/peak"
	"github.com/df65613c/easel/bench/report"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/unet"
)

// networkNames are the networks that are measured.
var networkNames = []string{"unet", "vae", "clip"}

// networkParts are the parts of a model that a network needs.
var networkParts = map[string]sdxl.Parts{"unet": sdxl.UNetPart, "vae": sdxl.VAEPart, "clip": sdxl.TextParts}

// networkFlags say which shapes a network is measured on.
type networkFlags struct{ size, batch int }

// runFlags say how often.
type runFlags struct {
	runs, warmup int
	cancel       bool
	memory       bytesFlag
}

func (f *runFlags) add(cmd *cobra.Command, runs int) {
	cmd.Flags().IntVar(&f.runs, "runs", runs, "runs that count")
	cmd.Flags().IntVar(&f.warmup, "warmup", 1, "runs before those that count")
	cmd.Flags().BoolVar(&f.cancel, "cancel", false, "also measure how soon a cancelled run stops")
	cmd.Flags().Var(&f.memory, "memory", "memory to use in addition to the model's file, such as 2GiB (default: no limit)")
}

func (f *runFlags) check() error {
	if f.runs < 1 || f.warmup < 0 {
		return fmt.Errorf("--runs %d, --warmup %d: want 1 or more, and 0 or more", f.runs, f.warmup)
	}
	return nil
}

func (f *networkFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.size, "size", 1024, "width and height of the picture, a multiple of 8")
	cmd.Flags().IntVar(&f.batch, "batch", 0, "pictures or texts at once (default: 2 as with guidance, 1 for the VAE)")
}

// measured is a graph and what is said of it.
type measured struct {
	*nn.Graph
	networks.Result
	fixed []string // inputs that do not change from step to step
}

// graphs records a network at the size: the UNet's step, the VAE's decoder, or
// both text encoders.
func (f *networkFlags) graphs(m *sdxl.Model, name string) ([]measured, error) {
	const scale = 8
	if f.size <= 0 || f.size%scale != 0 {
		return nil, fmt.Errorf("--size %d: want a multiple of %d", f.size, scale)
	}
	batch := f.batch
	switch {
	case batch < 0:
		return nil, fmt.Errorf("--batch %d: want 1 or more", batch)
	case batch == 0 && name == "vae":
		batch = 1
	case batch == 0:
		batch = 2
	}
	latent := f.size / scale
	var list []measured
	add := func(label string, size int, g *nn.Graph, err error, fixed ...string) error {
		list = append(list, measured{g, networks.Result{Network: label, Width: size, Height: size, Batch: batch}, fixed})
		return err
	}
	switch name {
	case "unet":
		g, err := m.UNet.Graph(unet.Shape{Batch: batch, Height: latent, Width: latent, Tokens: prompt.Length})
		return list, add(name, f.size, g, err, "encoder_hidden_states", "text_embeds", "time_ids")
	case "vae":
		g, err := m.VAE.DecoderGraph(batch, latent, latent)
		return list, add(name, f.size, g, err)
	}
	g, err := m.TextL.Graph(batch, prompt.Length, 0)
	if err := add("clip-l", 0, g, err); err != nil {
		return nil, err
	}
	g, err = m.TextG.Graph(batch, prompt.Length, 0)
	return list, add("clip-g", 0, g, err)
}

func newBenchNetwork(name, short string) *cobra.Command {
	var model modelFlags
	var flags arithmeticFlags
	var net networkFlags
	var out outputFlags
	var runs runFlags
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := measureNetworks(cmd, name, &model, &flags, []networkFlags{net}, runs)
			if err != nil {
				return err
			}
			return out.write(cmd.OutOrStdout(), r, r.table, nil)
		},
	}
	model.add(cmd)
	flags.add(cmd)
	net.add(cmd)
	out.addJSON(cmd)
	runs.add(cmd, 3)
	return cmd
}

// measureNetworks measures a network at every size, and the peak beside it.
func measureNetworks(cmd *cobra.Command, name string, model *modelFlags, flags *arithmeticFlags, sizes []networkFlags,
	runs runFlags) (*networkReport, error) {
	if err := runs.check(); err != nil {
		return nil, err
	}
	threads, err := threadsOf(model.threads)
	if err != nil {
		return nil, err
	}
	flags.threads = threads
	opts, dtype, err := flags.options()
	if err != nil {
		return nil, err
	}
	opts.Profile = model.profile.taken
	backend := cpu.New(opts)
	defer backend.Close()
	m, err := model.open(cmd.ErrOrStderr(), networkParts[name])
	if err != nil {
		return nil, err
	}
	defer m.Close()
	top, err := peak.Best(cmd.Context(), dtype, threads, peakTime)
	if err != nil {
		return nil, err
	}
	r := &networkReport{Environment: report.NewEnvironment(backend.Name(), threads), Peak: top}
	for _, size := range sizes {
		graphs, err := size.graphs(m, name)
		if err != nil {
			return nil, err
		}
		for _, g := range graphs {
			if err := g.Measure(cmd.Context(), backend, g.Graph, networks.Options{
				Fixed: g.fixed, Warmup: runs.warmup, Runs: runs.runs, Cancel: runs.cancel,
				Compile: nn.CompileOptions{Memory: runs.memory.n, Spill: true},
			}); err != nil {
				return nil, err
			}
			r.Networks = append(r.Networks, networkRow{g.Result, g.Median(), g.GFLOPS(), percentOf(g.GFLOPS(), top)})
		}
	}
	return r, nil
}

// networkReport is what is printed of networks.
type networkReport struct {
	report.Environment
	Peak     float64      `json:"peak_gflops"`
	Networks []networkRow `json:"networks"`
}

type networkRow struct {
	networks.Result
	Median  float64 `json:"median_seconds"`
	GFLOPS  float64 `json:"gflops"`
	Percent float64 `json:"percent_of_peak"`
}

func (r *networkReport) table(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "network\tsize\tbatch\tseconds\tTFLOP\tGFLOP/s\t% of peak\tpeak RSS MiB\tof it anonymous\t")
	for _, n := range r.Networks {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%.3f\t%.3f\t%.0f\t%.1f\t%d\t%d\t\n", n.Network, n.Width, n.Batch, n.Median,
			n.FLOPs/1e12, n.GFLOPS, n.Percent,
			n.Memory.RSS>>20, n.Memory.Anon>>20)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, n := range r.Networks {
		if n.Cancel > 0 {
			fmt.Fprintf(w, "%s %d stopped within %.0f ms\n", n.Network, n.Width, 1e3*n.Cancel)
		}
	}
	_, err := fmt.Fprintf(w, "%s on %s: peak %.0f GFLOP/s\n", r.Backend, r.Processor, r.Peak)
	return err
}
