package sdxl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// promptRefs is what internal/golden/gen/prompt_refs.py wrote.
type promptRefs struct {
	Texts []struct {
		Name, Text string
		Syntax     prompt.Syntax
		L, G       []struct {
			IDs     []int32
			Weights []float32
		}
	}
	Skips []struct {
		Name string
		Skip int
	}
	Drawings []struct {
		Name, Syntax, Prompt string
		Prompt2              *string `json:"prompt_2"`
		Negative             *string
		Negative2            *string `json:"negative_2"`
		Prompts              [][2]any
		Steps                int
		Seed                 int64
		CFG                  float64
	}
}

func readPromptRefs(t *testing.T) (refs promptRefs, tensors map[string]*tensor.Tensor) {
	data, err := os.ReadFile(golden.Path("prompts", "prompts.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &refs))
	return refs, golden.Tensors(t, golden.Path("prompts", "prompts.safetensors"))
}

func TestChunksOfPrompts(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.AllParts})
	refs, _ := readPromptRefs(t)
	require.Greater(t, len(refs.Texts), 30)
	for _, r := range refs.Texts {
		for _, side := range []struct {
			t    prompt.Tokenizer
			want []struct {
				IDs     []int32
				Weights []float32
			}
		}{{m.TokenizerL, r.L}, {m.TokenizerG, r.G}} {
			got := r.Syntax.Chunks(side.t, r.Text)
			require.Len(t, got, len(side.want), "%s %q", r.Syntax, r.Text)
			for i, c := range got {
				require.Equal(t, side.want[i].IDs, c.IDs, "%s %q, chunk %d", r.Syntax, r.Text, i)
				require.InDeltaSlice(t, side.want[i].Weights, c.Weights, 1e-6, "%s %q, chunk %d", r.Syntax, r.Text, i)
			}
		}
	}
}

func TestEmbeddingsOfPrompts(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.AllParts})
	b := cpu.New(cpu.Options{})
	defer b.Close()
	refs, tensors := readPromptRefs(t)
	for _, r := range refs.Texts {
		got, err := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}).EncodePrompts(context.Background(), []sdxl.PromptText{{L: r.Text, G: r.Text}}, sdxl.PromptOptions{Syntax: r.Syntax})
		require.NoError(t, err)
		width := got[0].Context.Shape()[2]
		var rows []float32
		for i, v := 0, got[0].Context.Float32s(); i < len(v); i += 4 * width {
			rows = append(rows, v[i:i+width]...)
		}
		require.Less(t, golden.RelErr(rows, tensors[r.Name+".context"].Float32s()), 5e-5, "%s %q", r.Syntax, r.Text)
		require.Less(t, golden.RelErr(got[0].Pooled.Float32s(), tensors[r.Name+".pooled"].Float32s()), 5e-5, "%s %q", r.Syntax, r.Text)
	}
}

// TestClipSkip compares with what diffusers' pipeline makes of two prompts and
// negative prompts.
func TestClipSkip(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.AllParts})
	b := cpu.New(cpu.Options{})
	defer b.Close()
	refs, tensors := readPromptRefs(t)
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	for _, r := range refs.Skips {
		trace := map[string]*tensor.Tensor{}
		_, err := pipe.Generate(context.Background(), sdxl.Options{
			Prompt: "a red circle", Prompt2: new("a blue square"), Negative: new("a moon"), Negative2: new("a ring"), ClipSkip: r.Skip,
			PromptSyntax: "diffusers", Steps: new(1), Seed: new(int64(1)), Width: 64, Height: 64, Trace: trace,
		})
		require.NoError(t, err)
		for name, ours := range map[string]string{"context": "prompt_embeds", "negative_context": "negative_prompt_embeds", "pooled": "pooled", "negative_pooled": "negative_pooled"} {
			require.Less(t, golden.RelErr(trace[ours].Float32s(), tensors[r.Name+"."+name].Float32s()), 1e-5, "%s of %s", name, r.Name)
		}
	}
	_, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a", ClipSkip: 3})
	require.ErrorContains(t, err, "clip_skip is 3, want 0 to 2")
}

// TestClipSkipOfDialects: the web UIs count otherwise.
func TestClipSkipOfDialects(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.AllParts})
	b := cpu.New(cpu.Options{})
	defer b.Close()
	_, tensors := readPromptRefs(t)
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	embeds := func(dialect string, skip int) ([]float32, error) {
		trace := map[string]*tensor.Tensor{}
		_, err := pipe.Generate(context.Background(), sdxl.Options{
			Prompt: "a red circle", Prompt2: new("a blue square"), ClipSkip: skip, Dialect: dialect, Steps: new(1), Seed: new(int64(1)), Width: 64, Height: 64, Trace: trace,
		})
		if err != nil {
			return nil, err
		}
		return trace["prompt_embeds"].Float32s(), nil
	}
	for dialect, names := range map[string]map[int]string{
		"comfy":       {0: "skip-0", 2: "skip-0", -2: "skip-0", 3: "skip-1", -3: "skip-1"},
		"a1111":       {0: "skip-0", 1: "skip-0", 2: "skip-0", 3: "skip-0", 12: "skip-0"},
		"k-diffusion": {0: "skip-0", 1: "skip-1"},
	} {
		for skip, name := range names {
			got, err := embeds(dialect, skip)
			require.NoError(t, err)
			require.Less(t, golden.RelErr(got, tensors[name+".context"].Float32s()), 1e-5, "%s %d", dialect, skip)
		}
	}
	for dialect, skips := range map[string][]int{"comfy": {99, -99}, "a1111": {-1, 13}, "k-diffusion": {-1, 99}} {
		for _, skip := range skips {
			_, err := embeds(dialect, skip)
			require.ErrorContains(t, err, "clip_skip is ", "%s %d", dialect, skip)
		}
	}

	require.Contains(t, (&sdxl.Options{ClipSkip: 2, Dialect: "a1111"}).Warnings(m)[0], "clip_skip changes nothing")
	require.Empty(t, (&sdxl.Options{ClipSkip: 2, Dialect: "comfy"}).Warnings(m))

	// The last layer, before its norm.
	got, err := embeds("comfy", 1)
	require.NoError(t, err)
	width := len(got) / prompt.Length
	for _, side := range []struct {
		part string
		ids  []int32
		at   int
	}{
		{"clip-l", m.TokenizerL.EncodePadded("a red circle", prompt.Length), 0},
		{"clip-g", m.TokenizerG.EncodePadded("a blue square", prompt.Length), m.TextL.Config.HiddenSize},
	} {
		ids, err := tensor.FromSlice(side.ids, 1, prompt.Length)
		require.NoError(t, err)
		layers := map[string]int{"clip-l": m.TextL.Config.Layers, "clip-g": m.TextG.Config.Layers}[side.part]
		tap := fmt.Sprintf("text_model.encoder.layers.%d", layers-1)
		out, err := m.RunGraph(t.Context(), b, side.part, map[string]*tensor.Tensor{"ids": ids}, []string{tap})
		require.NoError(t, err)
		want := out[tap].Float32s()
		n := len(want) / prompt.Length
		for i := range prompt.Length {
			require.Less(t, golden.RelErr(got[i*width+side.at:][:n], want[i*n:][:n]), 1e-5)
		}
	}
}

// TestPicturesOfPrompts compares latents with a sampling in which each side is
// run by itself: clauses, edits, lengths that differ, prompts by weight.
func TestPicturesOfPrompts(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.AllParts})
	b := cpu.New(cpu.Options{})
	defer b.Close()
	refs, tensors := readPromptRefs(t)
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	require.NotEmpty(t, refs.Drawings)
	for _, r := range refs.Drawings {
		o := sdxl.Options{Prompt: r.Prompt, Prompt2: r.Prompt2, Negative: r.Negative, Negative2: r.Negative2, PromptSyntax: r.Syntax, Steps: &r.Steps, Seed: &r.Seed,
			CFG: &r.CFG, Width: 64, Height: 64, Trace: map[string]*tensor.Tensor{}}
		for _, p := range r.Prompts {
			o.Prompts = append(o.Prompts, sdxl.WeightedPrompt{Text: p[0].(string), Weight: p[1].(float64)})
		}
		_, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		require.Less(t, golden.RelErr(o.Trace["latents"].Float32s(), tensors[r.Name].Float32s()), 1e-4, r.Name)
	}
}
