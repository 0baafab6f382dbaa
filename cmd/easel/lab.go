//go:build !nodemo

package main

import (
	"fmt"
	"image"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

func newLab() *cobra.Command {
	cmd := &cobra.Command{Use: "lab", Short: "Study samplers"}
	cmd.AddCommand(newLabConverge(), newLabCompare(), newLabSigmas(), newLabTrace(), newLabOptimise(), newLabReplay(), newLabSpeed())
	return cmd
}

// samplersNamed finds samplers by their names.
func samplersNamed(names []string) ([]sched.Sampler, error) {
	samplers := make([]sched.Sampler, len(names))
	for i, name := range names {
		var err error
		if samplers[i], err = sched.SamplerNamed(name); err != nil {
			return nil, err
		}
	}
	return samplers, nil
}

// labFlags are what the studies write beside what they print.
type labFlags struct {
	outputFlags
	csv, report string
}

func (f *labFlags) add(cmd *cobra.Command) {
	f.addJSON(cmd)
	f.addPlot(cmd)
	cmd.Flags().StringVar(&f.csv, "csv", "", "CSV file to write, too")
	cmd.Flags().StringVar(&f.report, "report", "", "report to write, too: one HTML file that holds its plots and pictures")
}

// check finds faults before the long work.
func (f *labFlags) check() error {
	for _, path := range []string{f.csv, f.report} {
		if path == "" {
			continue
		}
		if err := checkWritable(path); err != nil {
			return err
		}
	}
	return f.outputFlags.check()
}

// study is what a command of the lab found.
type study struct {
	value  any // for JSON
	table  lab.Table
	points lab.Table // for CSV; the table where it has no columns
	figure lab.Figure
	images []image.Image
}

func (f *labFlags) write(cmd *cobra.Command, s study) error {
	if s.points.Columns == nil {
		s.points = s.table
	}
	if f.csv != "" {
		if err := atomicfile.Write(f.csv, s.points.WriteCSV); err != nil {
			return err
		}
	}
	if f.report != "" {
		r := lab.Report{Title: cmd.Short, Command: commandLine(cmd), Table: s.table, Figures: []lab.Figure{s.figure}, Images: s.images}
		if err := atomicfile.Write(f.report, r.Write); err != nil {
			return err
		}
	}
	return f.outputFlags.write(cmd.OutOrStdout(), s.value, s.table.WriteMarkdown, s.figure.Write)
}

// commandLine is the command with the flags that were given.
func commandLine(cmd *cobra.Command) string {
	line := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		line = append(line, fmt.Sprintf("--%s=%s", f.Name, strings.Trim(f.Value.String(), "[]")))
	})
	return strings.Join(line, " ")
}

// studyFlags say which picture of which model is studied.
type studyFlags struct {
	model    modelFlags
	options  sdxl.Options
	negative string
	cfg      float64
	seed     int64
	guidance guidanceFlags
	noising  noisingFlags
	memory   bytesFlag
}

func (f *studyFlags) add(cmd *cobra.Command) {
	f.model.add(cmd)
	f.model.dtype.add(cmd)
	f.model.device.add(cmd)
	f.model.addSpill(cmd)
	flags, o := cmd.Flags(), &f.options
	flags.StringVarP(&o.Prompt, "prompt", "p", demoPrompt, "what to draw")
	flags.StringVarP(&f.negative, "negative", "n", "",
		"what not to draw (default: none; its embedding is zeros if the model says so)")
	flags.Float64Var(&f.cfg, "cfg", sdxl.DefaultCFG, "guidance scale; 1 or less is no guidance (for cfg++ 0 to 1, default 0.6)")
	f.guidance.add(cmd)
	f.noising.add(flags)
	flags.StringVar(&o.Dialect, "dialect", string(sched.Diffusers),
		"program that gives the names of samplers and schedules their meaning: "+strings.Join(sched.DialectNames(), ", "))
	flags.Int64Var(&f.seed, "seed", 1, "seed of the noise")
	flags.IntVar(&o.Width, "width", 0, "width in pixels (default: the model's)")
	flags.IntVar(&o.Height, "height", 0, "height in pixels (default: the model's)")
	flags.Var(&f.memory, "memory", "memory to use in addition to the model's file, such as 2GiB (default: no limit)")
}

// studied returns the options of a command line.
func (f *studyFlags) studied(cmd *cobra.Command) sdxl.Options {
	o, flags := f.options, cmd.Flags()
	o.Seed, o.Noising = &f.seed, f.noising.value(flags)
	if flags.Changed("negative") {
		o.Negative = &f.negative
	}
	if flags.Changed("cfg") {
		o.CFG = &f.cfg
	}
	f.guidance.apply(cmd, &o)
	return o
}

// label says which flags of guidance and noise were given.
func (f *studyFlags) label(cmd *cobra.Command) string {
	var own cobra.Command
	new(guidanceFlags).add(&own)
	new(noisingFlags).add(own.Flags())
	var said []string
	cmd.Flags().Visit(func(given *pflag.Flag) {
		if own.Flags().Lookup(given.Name) != nil || given.Name == "cfg" || given.Name == "dialect" {
			said = append(said, given.Name+" "+strings.Trim(given.Value.String(), "[]"))
		}
	})
	return strings.Join(said, ", ")
}

// run opens the model and hands its study to f.
func (f *studyFlags) run(cmd *cobra.Command, do func(*sdxl.Study) error) error {
	pipe, closePipe, err := f.model.pipeline(cmd, sdxl.AllParts, sdxl.PipelineOptions{Memory: f.memory.n})
	if err != nil {
		return err
	}
	defer closePipe()
	s, err := pipe.Study(cmd.Context(), f.studied(cmd))
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

// say prints a line of progress.
func say(w io.Writer) func(string) {
	return func(what string) { fmt.Fprintln(w, what) }
}
