package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

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
		Long: `Encode texts with both text encoders. The tensors are ids_l, ids_g [N,77], clip_l, clip_g [N,77,C]
(the second to last hidden states), prompt_embeds [N,77,C] (both side by side) and pooled [N,C].
With --prompt-syntax or --clip-skip they are prompt_embeds.I [77 chunks,C] and pooled.I [C] for text
I, from 0.`,
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
			pipe, closePipe, err := model.pipeline(cmd, sdxl.TextParts, sdxl.PipelineOptions{})
			if err != nil {
				return err
			}
			defer closePipe()
			var tensors map[string]*tensor.Tensor
			if flags := cmd.Flags(); flags.Changed("prompt-syntax") || flags.Changed("clip-skip") {
				tensors, err = embedPrompts(cmd.Context(), pipe, texts, syntaxName, clipSkip)
			} else {
				tensors, err = embedTexts(cmd.Context(), pipe, texts)
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
	cmd.Flags().StringVar(&syntaxName, "prompt-syntax", "",
		"read the texts as prompts of a syntax: "+strings.Join(prompt.Syntaxes(), ", "))
	cmd.Flags().IntVar(&clipSkip, "clip-skip", 0, "how many layers before the usual one to take the hidden states from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON to standard output instead")
	return cmd
}

// embedTexts encodes texts cut or padded to 77 tokens, as one batch.
func embedTexts(ctx context.Context, p *sdxl.Pipeline, texts []string) (map[string]*tensor.Tensor, error) {
	list, err := p.EncodePrompts(ctx, promptTexts(texts), sdxl.PromptOptions{Syntax: prompt.Plain})
	if err != nil {
		return nil, err
	}
	var idsL, idsG []int32
	var contexts, pooled []*tensor.Tensor
	for _, e := range list {
		idsL, idsG = append(idsL, e.IDsL...), append(idsG, e.IDsG...)
		contexts, pooled = append(contexts, e.Context), append(pooled, e.Pooled)
	}
	all, err := tensor.Concat(0, contexts...)
	if err != nil {
		return nil, err
	}
	split, width := p.Model().TextL.Config.HiddenSize, all.Shape()[2]
	out := map[string]*tensor.Tensor{"prompt_embeds": all}
	for name, make := range map[string]func() (*tensor.Tensor, error){
		"ids_l":  func() (*tensor.Tensor, error) { return tensor.FromSlice(idsL, len(list), prompt.Length) },
		"ids_g":  func() (*tensor.Tensor, error) { return tensor.FromSlice(idsG, len(list), prompt.Length) },
		"pooled": func() (*tensor.Tensor, error) { return tensor.Concat(0, pooled...) },
		"clip_l": func() (*tensor.Tensor, error) { return all.Narrow(2, 0, split) },
		"clip_g": func() (*tensor.Tensor, error) { return all.Narrow(2, split, width) },
	} {
		t, err := make()
		if err == nil {
			out[name], err = t.Contiguous()
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func promptTexts(texts []string) []sdxl.PromptText {
	prompts := make([]sdxl.PromptText, len(texts))
	for i, t := range texts {
		prompts[i] = sdxl.PromptText{L: t, G: t}
	}
	return prompts
}

// embedPrompts encodes texts at the length that their syntax gives them, each
// as tensors of its own.
func embedPrompts(ctx context.Context, p *sdxl.Pipeline, texts []string, syntaxName string,
	clipSkip int) (map[string]*tensor.Tensor, error) {
	syntax, err := prompt.Named(syntaxName)
	if err != nil {
		return nil, err
	}
	list, err := p.EncodePrompts(ctx, promptTexts(texts), sdxl.PromptOptions{Syntax: syntax, ClipSkip: clipSkip})
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
