package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
)

func newInspect() *cobra.Command {
	var flags modelFlags
	var asJSON, all bool
	var of string
	cmd := &cobra.Command{
		Use:   "inspect MODEL|LORA|PICTURE",
		Short: "Show the unused and missing tensors of a model, what a LoRA changes, or what a picture holds",
		Long: `List which tensors of a model are used, unused and missing. The exit status is not 0 if any are
unused, missing or of another shape than the configuration says. For a LoRA or a similar adapter,
print its kind, rank, alpha, base and trigger words, and with --tensors where each of its modules
goes. For a picture (PNG, JPEG, WebP or GIF), print the texts in it: the parameters that easel,
AUTOMATIC1111's web UI, Forge, ComfyUI or InvokeAI stored there.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if isPicture(args[0]) {
				return inspectPicture(cmd.OutOrStdout(), args[0], asJSON)
			}
			if f, err := adapt.Open(args[0]); err == nil {
				defer f.Close()
				return inspectAdapter(cmd.OutOrStdout(), f, of, flags.options, asJSON, all)
			}
			path, opts, err := findModel(args[0], flags.options)
			if err != nil {
				return err
			}
			accounts, err := sdxl.Inspect(path, opts)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(accounts)
			} else {
				err = printAccounts(cmd.OutOrStdout(), accounts, all)
			}
			for i := range accounts {
				err = errors.Join(err, accounts[i].Err(false, flags.options.AllowUnused))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&flags.options.Config, "config", "", "diffusers folder whose configuration a single file takes")
	cmd.Flags().StringVar(&flags.options.Variant, "variant", "",
		"variant of a folder's files, such as fp16; parts without it use their plain files")
	addParts(cmd.Flags(), &flags.options)
	cmd.Flags().BoolVar(&flags.options.AllowUnused, "allow-unused", false, "do not count unused tensors as faults")
	cmd.Flags().StringVar(&of, "for", "", "model that a LoRA is to fit (default: networks of the sizes of Stable Diffusion XL)")
	cmd.Flags().BoolVar(&all, "tensors", false, "list every used tensor with the parameters read from it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printAccounts(w io.Writer, accounts []checkpoint.Account, all bool) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "component\tmapped\tunused\tmissing\tmisshapen\tstored\tfile")
	for _, a := range accounts {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", a.Component, len(a.Mapped), len(a.Unused), len(a.Missing),
			len(a.Misshapen), storedText(a.Stored), a.File)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, a := range accounts {
		if all {
			for _, m := range a.Mapped {
				fmt.Fprintf(w, "mapped   %s/%s <- %s\n", a.Component, strings.Join(m.Parameters, " "), m.Key)
			}
		}
		for _, key := range a.Unused {
			fmt.Fprintf(w, "unused   %s\n", key)
		}
		for _, name := range a.Missing {
			fmt.Fprintf(w, "missing  %s/%s\n", a.Component, name)
		}
		for _, fault := range a.Misshapen {
			fmt.Fprintf(w, "shape    %s\n", fault)
		}
	}
	return nil
}

// storedText tells the types of tensors and the megabytes of each, such as "F32 3.1 MB, I8 80.0 MB".
func storedText(stored []checkpoint.Stored) string {
	var parts []string
	for _, s := range stored {
		parts = append(parts, fmt.Sprintf("%s %.1f MB", s.DType, float64(s.Bytes)/1e6))
	}
	return strings.Join(parts, ", ")
}
