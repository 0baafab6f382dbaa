package sdxl_test

import (
	"context"
	"encoding/json"
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
		got, err := m.EncodePrompts(context.Background(), b, []sdxl.PromptText{{L: r.Text, G: r.Text}}, sdxl.PromptOptions{Syntax: r.Syntax})
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
	pipe := sdxl.Pipeline{Model: m, Backend: b}
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

// TestPicturesOfPrompts compares latents with a sampling in which each side is
// run by itself: clauses, edits, lengths that differ, prompts by weight.
func TestPicturesOfPrompts(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.AllParts})
	b := cpu.New(cpu.Options{})
	defer b.Close()
	refs, tensors := readPromptRefs(t)
	pipe := sdxl.Pipeline{Model: m, Backend: b}
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
