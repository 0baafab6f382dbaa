package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

func newEmbed() *cobra.Command {
	var model modelFlags
	var texts []string
	var output string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "embed -m MODEL -p TEXT (-o FILE.safetensors | --json)",
		Short: "Encode texts with both text encoders",
		Long: `Encode texts with both text encoders. The tensors are ids_l, ids_g [N,77], clip_l, clip_g [N,77,C] (the second to last
hidden states), prompt_embeds [N,77,C] (both side by side) and pooled [N,C].`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(texts) == 0 {
				return errors.New("no text: give one or more with -p")
			}
			if (output == "") == !asJSON {
				return errors.New("give either -o FILE or --json")
			}
			if output != "" {
				if err := checkWritable(output); err != nil {
					return err
				}
			}
			m, err := model.open(cmd.ErrOrStderr(), sdxl.TextParts)
			if err != nil {
				return err
			}
			defer m.Close()
			backend := model.backend()
			defer backend.Close()
			e, err := m.EncodeText(cmd.Context(), backend, texts)
			if err != nil {
				return err
			}
			tensors := map[string]*tensor.Tensor{
				"ids_l": e.IDsL, "ids_g": e.IDsG, "clip_l": e.HiddenL, "clip_g": e.HiddenG, "prompt_embeds": e.Context, "pooled": e.Pooled,
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), tensors)
			}
			return safetensors.WriteFile(output, tensors, nil)
		},
	}
	model.add(cmd)
	model.dtype.add(cmd)
	cmd.Flags().StringArrayVarP(&texts, "prompt", "p", nil, "text to encode; may be given several times")
	cmd.Flags().StringVarP(&output, "output", "o", "", "safetensors file to write")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON to standard output instead")
	return cmd
}

// jsonTensor is a tensor as its shape and its elements in row-major order.
type jsonTensor struct {
	Shape []int `json:"shape"`
	Data  any   `json:"data"`
}

func writeJSON(w io.Writer, tensors map[string]*tensor.Tensor) error {
	out := make(map[string]jsonTensor, len(tensors))
	for name, t := range tensors {
		var data any
		var err error
		if t.DType() == tensor.I32 {
			data, err = tensor.Data[int32](t)
		} else {
			data, err = tensor.Data[float32](t)
		}
		if err != nil {
			return err
		}
		out[name] = jsonTensor{t.Shape(), data}
	}
	return json.NewEncoder(w).Encode(out)
}
