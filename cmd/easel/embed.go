package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

func newEmbed() *cobra.Command {
	var model modelFlags
	var texts []string
	var output string
	var asJSON bool
	var syntaxName string
	var clipSkip int
	cmd := &cobra.Command{
		Use:   "embed -m MODEL -p TEXT (-o FILE.safetensors | --json)",
		Short: "Encode texts with both text encoders",
		Long: `Encode texts with both text encoders. The tensors are ids_l, ids_g [N,77], clip_l, clip_g [N,77,C] (the second to last
hidden states), prompt_embeds [N,77,C] (both side by side) and pooled [N,C]. With --prompt-syntax or --clip-skip they are prompt_embeds.I
[77 chunks,C] and pooled.I [C] for text I, from 0.`,
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
			backend, _, err := model.backend(0)
			if err != nil {
				return err
			}
			defer backend.Close()
			var tensors map[string]*tensor.Tensor
			if flags := cmd.Flags(); flags.Changed("prompt-syntax") || flags.Changed("clip-skip") {
				tensors, err = embedPrompts(cmd.Context(), m, backend, texts, syntaxName, clipSkip)
			} else {
				tensors, err = embedTexts(cmd.Context(), m, backend, texts)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), tensors)
			}
			return writeOutput(cmd, output, func(w io.Writer) error { return safetensors.Write(w, tensors, nil) })
		},
	}
	model.add(cmd)
	model.dtype.add(cmd)
	model.device.add(cmd)
	cmd.Flags().StringArrayVarP(&texts, "prompt", "p", nil, "text to encode; may be given several times")
	cmd.Flags().StringVarP(&output, "output", "o", "", "safetensors file to write, - for standard output")
	cmd.Flags().StringVar(&syntaxName, "prompt-syntax", "", "read the texts as prompts of a syntax: "+strings.Join(prompt.Syntaxes(), ", "))
	cmd.Flags().IntVar(&clipSkip, "clip-skip", 0, "how many layers before the usual one to take the hidden states from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON to standard output instead")
	return cmd
}

func embedTexts(ctx context.Context, m *sdxl.Model, b nn.Backend, texts []string) (map[string]*tensor.Tensor, error) {
	e, err := m.EncodeText(ctx, b, texts)
	if err != nil {
		return nil, err
	}
	return map[string]*tensor.Tensor{
		"ids_l": e.IDsL, "ids_g": e.IDsG, "clip_l": e.HiddenL, "clip_g": e.HiddenG, "prompt_embeds": e.Context, "pooled": e.Pooled,
	}, nil
}

func embedPrompts(ctx context.Context, m *sdxl.Model, b nn.Backend, texts []string, syntaxName string, clipSkip int) (map[string]*tensor.Tensor, error) {
	syntax, err := prompt.Named(syntaxName)
	if err != nil {
		return nil, err
	}
	prompts := make([]sdxl.PromptText, len(texts))
	for i, t := range texts {
		prompts[i] = sdxl.PromptText{L: t, G: t}
	}
	list, err := m.EncodePrompts(ctx, b, prompts, sdxl.PromptOptions{Syntax: syntax, ClipSkip: clipSkip})
	if err != nil {
		return nil, err
	}
	tensors := make(map[string]*tensor.Tensor)
	for i, e := range list {
		for name, t := range map[string]*tensor.Tensor{"prompt_embeds": e.Context, "pooled": e.Pooled} {
			if tensors[fmt.Sprintf("%s.%d", name, i)], err = t.Reshape(t.Shape()[1:]...); err != nil {
				return nil, err
			}
		}
	}
	return tensors, nil
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
