package mkmodel

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// TestBaseIsThePublishedModel compares with what sd_xl_base_1.0.safetensors
// holds: 2515 tensors, of which one is a table and one a scale of the training's.
func TestBaseIsThePublishedModel(t *testing.T) {
	a, err := Architecture("sdxl-base")
	require.NoError(t, err)
	parts, err := a.SingleFile()
	require.NoError(t, err)
	shapes, parameters := map[string]tensor.Shape{}, map[string]int{}
	for part, tensors := range parts {
		for _, s := range tensors {
			shapes[s.Key] = s.Shape
			parameters[part] += s.Shape.NumElements()
		}
	}
	require.Len(t, shapes, 2515-2)
	require.Equal(t, map[string]int{"unet": 2567463684, "vae": 83653863, "text_encoder": 123060480, "text_encoder_2": 694659840}, parameters)
	for key, want := range map[string]tensor.Shape{
		"model.diffusion_model.input_blocks.0.0.weight":                                              {320, 4, 3, 3},
		"model.diffusion_model.label_emb.0.0.weight":                                                 {1280, 2816},
		"model.diffusion_model.input_blocks.4.1.transformer_blocks.1.ff.net.0.proj.weight":           {5120, 640},
		"model.diffusion_model.middle_block.1.transformer_blocks.9.attn2.to_k.weight":                {1280, 2048},
		"model.diffusion_model.output_blocks.2.2.conv.weight":                                        {1280, 1280, 3, 3},
		"first_stage_model.decoder.mid.attn_1.q.weight":                                              {512, 512, 1, 1},
		"first_stage_model.decoder.up.0.block.0.nin_shortcut.weight":                                 {128, 256, 1, 1},
		"conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight":           {49408, 768},
		"conditioner.embedders.1.model.transformer.resblocks.31.attn.in_proj_weight":                 {3840, 1280},
		"conditioner.embedders.1.model.text_projection":                                              {1280, 1280},
		"conditioner.embedders.1.model.positional_embedding":                                         {77, 1280},
		"model.diffusion_model.output_blocks.8.0.skip_connection.weight":                             {320, 640, 1, 1},
		"conditioner.embedders.0.transformer.text_model.encoder.layers.11.self_attn.out_proj.weight": {768, 768},
	} {
		require.Equal(t, want, shapes[key], key)
	}
}

func TestBothFormsOpenAndDraw(t *testing.T) {
	a, err := Architecture("sdxl-tiny")
	require.NoError(t, err)
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "tiny.safetensors"), filepath.Join(dir, "tiny")
	require.NoError(t, WriteSingleFile(t.Context(), file, a))
	require.NoError(t, WriteFolder(t.Context(), folder, a))
	for _, path := range []string{file, folder} {
		m, err := sdxl.Open(path, sdxl.OpenOptions{})
		require.NoError(t, err)
		defer m.Close()
		backend := cpu.New(cpu.Options{})
		defer backend.Close()
		steps, seed := 1, int64(1)
		trace := map[string]*tensor.Tensor{}
		_, err = sdxl.NewPipeline(m, backend, sdxl.PipelineOptions{}).Generate(t.Context(),
			sdxl.Options{Prompt: "x", Width: 64, Height: 64, Steps: &steps, Seed: &seed, Trace: trace})
		require.NoError(t, err, "values that are not finite are an error")
	}
}

func TestWeightsAreSpread(t *testing.T) {
	a, err := Architecture("sdxl-tiny")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "tiny.safetensors")
	require.NoError(t, WriteSingleFile(t.Context(), path, a))
	f, err := safetensors.Open(path)
	require.NoError(t, err)
	defer f.Close()
	w, err := f.Tensor("model.diffusion_model.input_blocks.7.0.in_layers.2.weight")
	require.NoError(t, err)
	w, err = w.Convert(tensor.F32)
	require.NoError(t, err)
	var sum, squares float64
	for _, v := range w.Float32s() {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(w.NumElements())
	require.InDelta(t, 0, sum/n, 1e-3)
	require.InEpsilon(t, 1.0/float64(w.Shape()[1]*9), squares/n, 0.02)
}

func TestFaultsLeaveNothing(t *testing.T) {
	_, err := Architecture("sd15")
	require.ErrorContains(t, err, `no preset "sd15"; there are sdxl-base, sdxl-half, sdxl-tiny`)
	a, err := Architecture("sdxl-tiny")
	require.NoError(t, err)
	dir := t.TempDir()
	require.ErrorIs(t, WriteFolder(t.Context(), dir, a), os.ErrExist)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, WriteSingleFile(ctx, filepath.Join(dir, "x.safetensors"), a), context.Canceled)
	require.ErrorIs(t, WriteFolder(ctx, filepath.Join(dir, "x"), a), context.Canceled)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}
