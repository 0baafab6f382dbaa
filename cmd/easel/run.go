package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

func newRun() *cobra.Command {
	var model modelFlags
	var input, output string
	var taps []string
	cmd := &cobra.Command{
		Use:       "run GRAPH -m MODEL --in FILE --out FILE",
		Short:     "Run one network on tensors from a file",
		ValidArgs: sdxl.GraphNames(),
		Args:      cobra.ExactArgs(1),
		Long: `Run one network on tensors from a safetensors file: ` + strings.Join(sdxl.GraphNames(), ", ") + `.

  clip-l, clip-g   ids -> hidden, pooled
  unet             sample, timestep, encoder_hidden_states, text_embeds, time_ids -> out
  vae-decoder      latents -> image
  vae-encoder      image -> mean, logvar`,
		RunE: func(cmd *cobra.Command, args []string) error {
			parts, err := sdxl.GraphParts(args[0])
			if err != nil {
				return err
			}
			if input == "" || output == "" {
				return errors.New("give the tensors' file with --in and the results' with --out")
			}
			if err := checkWritable(output); err != nil {
				return err
			}
			inputs, closer, err := readTensors(input)
			if err != nil {
				return err
			}
			defer closer()
			pipe, closePipe, err := model.pipeline(cmd, parts, sdxl.PipelineOptions{})
			if err != nil {
				return err
			}
			defer closePipe()
			out, err := pipe.Model().RunGraph(cmd.Context(), pipe.Backend(), args[0], inputs, taps)
			if err != nil {
				return err
			}
			return writeOutput(cmd, output, func(w io.Writer) error { return safetensors.Write(w, out, nil) })
		},
	}
	model.add(cmd)
	model.dtype.add(cmd)
	model.device.add(cmd)
	cmd.Flags().StringVar(&input, "in", "", "safetensors file with the inputs")
	cmd.Flags().StringVar(&output, "out", "", "safetensors file to write, - for standard output")
	cmd.Flags().StringArrayVar(&taps, "tap", nil,
		"inner value to write, too, such as down_blocks.1.attentions.0; may be given several times")
	return cmd
}

// readTensors maps a file and returns all its tensors.
func readTensors(path string) (map[string]*tensor.Tensor, func() error, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, nil, err
	}
	tensors := make(map[string]*tensor.Tensor)
	for _, name := range f.Names() {
		t, err := f.Tensor(name)
		if err != nil {
			f.Close()
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		tensors[name] = t
	}
	return tensors, f.Close, nil
}
