//go:build !nodemo

package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/mkmodel"
)

func newMkmodel() *cobra.Command {
	var preset, output string
	cmd := &cobra.Command{
		Use:   "mkmodel --preset NAME -o FILE.safetensors|FOLDER/",
		Short: "Write a model of random weights for measurements",
		Long: `Write a model of random weights in F16, with the names and shapes of real checkpoints: an original
single file, or a diffusers folder if the output's name ends in /. sdxl-base has the size of the
published base model, 6.9 GB. CLIP and SigLIP models are folders.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output == "" {
				return errors.New("name the file to write with -o")
			}
			if slices.Contains(mkmodel.CLIPPresets(), preset) {
				return mkmodel.WriteCLIP(cmd.Context(), output, preset)
			}
			a, err := mkmodel.Architecture(preset)
			if err != nil {
				return err
			}
			if os.IsPathSeparator(output[len(output)-1]) {
				return mkmodel.WriteFolder(cmd.Context(), output, a)
			}
			if err := checkWritable(output); err != nil {
				return err
			}
			return mkmodel.WriteSingleFile(cmd.Context(), output, a)
		},
	}
	cmd.Flags().StringVar(&preset, "preset", "sdxl-base",
		"architecture: "+strings.Join(append(mkmodel.Presets(), mkmodel.CLIPPresets()...), ", "))
	cmd.Flags().StringVarP(&output, "output", "o", "", "safetensors file or folder/ to write")
	return cmd
}
