package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroup is flags that the help of a command shows together.
type flagGroup struct {
	title string
	flags []string
}

// pictureGroups are the groups of the commands that make pictures.
var pictureGroups = []flagGroup{
	{"Prompt", []string{"prompt", "negative", "weighted", "prompt-2", "negative-2", "prompt-syntax",
		"clip-skip", "style", "styles"}},
	{"LoRA and textual inversion", []string{"lora", "lora-dir", "lora-block", "embedding", "embedding-dir"}},
	{"Picture to start from", []string{"image", "strength"}},
	{"Size", []string{"width", "height", "original-size", "target-size", "crop", "negative-original-size",
		"negative-target-size", "negative-crop"}},
	{"Sampling", []string{"steps", "sampler", "schedule", "spacing", "sigmas", "dialect", "eta", "s-noise", "s-churn", "s-tmin",
		"s-tmax", "restart", "order", "skip-end", "cache"}},
	{"Guidance", []string{"cfg", "guidance", "cfg-rescale", "cfg-schedule", "cfg-interval", "cfg-sigmas", "apg-eta", "apg-norm",
		"apg-momentum", "apg-on-output",
		"threshold", "mimic", "pag-scale", "pag-layers", "sag", "freeu"}},
	{"Noise", []string{"seed", "seeds", "batch", "index", "noise", "noise-file", "save-noise", "variation-seed",
		"variation-strength", "ensd"}},
	{"Model", []string{"model", "unet", "vae", "text-encoder", "text-encoder-2", "config", "variant", "allow-unused"}},
	{"Speed and memory", []string{"device", "dtype", "threads", "memory", "spill-dir", "profile"}},
	{"Output", []string{"output", "trace"}},
}

// groupFlags makes the help of a command show its flags in groups; those of no
// group come last.
func groupFlags(cmd *cobra.Command, groups []flagGroup) { cmd.SetUsageFunc(usage(groups)) }

// usage returns what prints the usage of a command, with its flags in groups. The
// lines are short enough for a terminal.
func usage(groups []flagGroup) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		w := cmd.OutOrStderr()
		fmt.Fprint(w, "Usage:\n")
		if cmd.Runnable() {
			fmt.Fprintf(w, "  %s\n", cmd.UseLine())
		}
		if cmd.HasAvailableSubCommands() {
			fmt.Fprintf(w, "  %s [command]\n", cmd.CommandPath())
		}
		if cmd.Example != "" {
			fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
		}
		if cmd.HasAvailableSubCommands() {
			fmt.Fprint(w, "\nCommands:\n")
			for _, c := range cmd.Commands() {
				if c.IsAvailableCommand() || c.Name() == "help" {
					fmt.Fprintf(w, "  %-*s %s\n", c.NamePadding(), c.Name(), c.Short)
				}
			}
		}
		showFlags(w, cmd, groups)
		if cmd.HasAvailableSubCommands() {
			fmt.Fprintf(w, "\n%s COMMAND --help tells more about a command.\n", cmd.CommandPath())
		}
		return nil
	}
}

// showFlags prints the flags of a command in groups.
func showFlags(w io.Writer, cmd *cobra.Command, groups []flagGroup) {
	shown := make(map[string]bool)
	show := func(title string, names []string) {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		for _, name := range names {
			if f := cmd.Flags().Lookup(name); f != nil && !f.Hidden {
				set.AddFlag(f)
				shown[name] = true
			}
		}
		if set.HasFlags() {
			fmt.Fprintf(w, "\n%s:\n%s\n", title, strings.TrimRight(set.FlagUsagesWrapped(100), "\n"))
		}
	}
	for _, g := range groups {
		show(g.title, g.flags)
	}
	var rest []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !shown[f.Name] {
			rest = append(rest, f.Name)
		}
	})
	if groups == nil {
		show("Flags", rest)
	} else {
		show("Other", rest)
	}
}
