package main

import (
	"encoding/json"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/atomicfile"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure"}
	cmd.AddCommand(newBenchQuality(), newBenchPeak())
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
	cmd.Flags().StringVar(&f.plot, "plot", "", "plot to write too: a name that ends in .png, .svg or .pdf")
}

// check returns an error if the plot cannot be written, before the long work.
func (f *outputFlags) check() error {
	if f.plot == "" {
		return nil
	}
	return checkWritable(f.plot)
}

// write prints v as JSON or by table, and writes the plot if one is asked for.
func (f *outputFlags) write(w io.Writer, v any, table func(io.Writer) error, plot func(w io.Writer, format string) error) error {
	if f.plot != "" {
		format := strings.TrimPrefix(strings.ToLower(filepath.Ext(f.plot)), ".")
		if err := atomicfile.Write(f.plot, func(w io.Writer) error { return plot(w, format) }); err != nil {
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
