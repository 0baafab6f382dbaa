package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/atomicfile"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure the processor, kernels, networks, pictures and servers"}
	cmd.AddCommand(newBenchPeak(), newBenchKernels(),
		newBenchNetwork("unet", "Measure a step of the UNet"), newBenchNetwork("vae", "Measure the VAE's decoder"),
		newBenchNetwork("clip", "Measure the text encoders"), newBenchScale())
	cmd.AddCommand(newFullBenches()...)
	return cmd
}

// outputFlags are the flags of benchmarks that print a table: JSON instead, and a plot.
type outputFlags struct {
	asJSON bool
	plot   string
}

func (f *outputFlags) addJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
}

func (f *outputFlags) addPlot(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.plot, "plot", "", "plot to write, too: a name that ends in .png, .svg or .pdf")
}

// check returns an error if the plot cannot be written, before the long work.
func (f *outputFlags) check() error {
	if f.plot == "" {
		return nil
	}
	if f.format() == "" {
		return fmt.Errorf("--plot %s: want a name that ends in .png, .svg or .pdf", f.plot)
	}
	return checkWritable(f.plot)
}

// format returns the plot's format, or "" of a name that tells none.
func (f *outputFlags) format() string {
	switch ext := strings.ToLower(filepath.Ext(f.plot)); ext {
	case ".png", ".svg", ".pdf":
		return ext[1:]
	}
	return ""
}

// write prints v as JSON or by table, and writes the plot if one is asked for.
func (f *outputFlags) write(w io.Writer, v any, table func(io.Writer) error, plot func(w io.Writer, format string) error) error {
	if f.plot != "" {
		if err := atomicfile.Write(f.plot, func(w io.Writer) error { return plot(w, f.format()) }); err != nil {
			return err
		}
	}
	if !f.asJSON {
		return table(w)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
