package sdxl_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// TestPerturbedAttention compares latents with those of diffusers' pipeline.
func TestPerturbedAttention(t *testing.T) {
	data, err := os.ReadFile(golden.Path("pag", "pag.json"))
	require.NoError(t, err)
	var cases []struct {
		Name          string
		Layers        []string
		Scale, CFG    float64
		Steps         int
		Seed          int64
		Width, Height int
		Negative      *string
		Batch         *int
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	want := golden.Tensors(t, golden.Path("pag", "pag.safetensors"))
	require.Len(t, want, len(cases))
	b := cpu.New(cpu.Options{})
	defer b.Close()
	pipe := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.AllParts}), b, sdxl.PipelineOptions{})
	for _, c := range cases {
		o := sdxl.Options{Prompt: "a red circle", Negative: c.Negative, Steps: &c.Steps, CFG: &c.CFG, Seed: &c.Seed, Batch: c.Batch, Width: c.Width, Height: c.Height,
			PAG: &sdxl.PAG{Scale: c.Scale, Layers: c.Layers}}
		run := func(memory int64) *tensor.Tensor {
			o.Trace = map[string]*tensor.Tensor{}
			_, err := sdxl.NewPipeline(pipe.Model(), b, sdxl.PipelineOptions{Memory: memory}).Generate(context.Background(), o)
			require.NoError(t, err)
			return o.Trace["latents"]
		}
		got := run(0)
		require.Less(t, golden.RelErr(got.Float32s(), want[c.Name].Float32s()), 1e-4, c.Name)
		require.Equal(t, got.Bytes(), run(54<<20).Bytes(), "%s with little memory", c.Name)
		o.PAG.Scale = 0
		plain := run(0)
		o.PAG = nil
		require.Equal(t, run(0).Bytes(), plain.Bytes())
		require.Greater(t, golden.RelErr(got.Float32s(), plain.Float32s()), 1e-3, c.Name)
	}
	for want, p := range map[string]sdxl.PAG{
		"match none of the self-attentions, which are down_blocks.1.attentions.0.transformer_blocks.0.attn1": {Scale: 1, Layers: []string{"middle"}},
		"pag layers: error parsing regexp": {Scale: 1, Layers: []string{"("}}, "pag scale is 1001": {Scale: 1001},
	} {
		_, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a", PAG: &p})
		require.ErrorContains(t, err, want)
	}
}

// TestPatternsOfLayers: as many and as long as they may be, and one more.
func TestPatternsOfLayers(t *testing.T) {
	pipe := smallest(t)
	for _, c := range []struct {
		layers []string
		want   string
	}{
		{slices.Repeat([]string{"mid"}, 100), ""},
		{slices.Repeat([]string{"mid"}, 101), "layers are 101 patterns of 303 bytes, want at most 100 of 2000"},
		{[]string{"mid" + strings.Repeat("x*", 998) + "y"}, "match none"},
		{[]string{"mid" + strings.Repeat("x*", 999)}, "layers are 1 patterns of 2001 bytes"},
	} {
		o := sdxl.Options{Prompt: "a", Width: 64, Height: 64, Steps: new(1), PAG: &sdxl.PAG{Scale: 3, Layers: c.layers}}
		_, err := pipe.Generate(t.Context(), o)
		if c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}
