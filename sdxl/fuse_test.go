package sdxl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// wide writes every tensor in float32.
func wide(tensor.DType, bool) tensor.DType { return tensor.F32 }

// fuseFolder writes a diffusers folder of a golden model with adapters in its weights, in float32.
func fuseFolder(t testing.TB, folder string, f *sdxl.Fusion) string {
	dst := t.TempDir()
	require.NoError(t, os.CopyFS(dst, os.DirFS(folder)))
	files, err := filepath.Glob(filepath.Join(folder, "*", "*.safetensors"))
	require.NoError(t, err)
	for _, path := range files {
		rel, err := filepath.Rel(folder, path)
		require.NoError(t, err)
		in, err := checkpoint.Open(path)
		require.NoError(t, err)
		require.NoError(t, f.Write(t.Context(), filepath.Join(dst, rel), in, filepath.Base(filepath.Dir(path)), wide))
		require.NoError(t, in.Close())
	}
	require.NoError(t, f.Left())
	return dst
}

// TestFusedAdapters writes adapters of every kind into weights. These are those of diffusers' fuse_lora and of LyCORIS' merges, and
// latents are those of the libraries' own runs.
func TestFusedAdapters(t *testing.T) {
	folder := golden.Path("c", "model")
	m, b := open(t, folder, sdxl.OpenOptions{}), backend(t, 0)
	steps := golden.Tensors(t, golden.Path("adapters", "latents.safetensors"))
	before := golden.Tensors(t, filepath.Join(folder, "unet", "diffusion_pytorch_model.safetensors"))
	for _, c := range adapterCases(t) {
		if c.Adapters == nil {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			f, err := m.Fuse(adapterLibrary(t), c.Adapters)
			require.NoError(t, err)
			require.ErrorContains(t, f.Left(), "which is in none of the files that are written")
			fused := fuseFolder(t, folder, f)
			o := c.options()
			o.Adapters = nil
			_, err = sdxl.NewPipeline(open(t, fused, sdxl.OpenOptions{}), b, sdxl.PipelineOptions{}).Generate(t.Context(), o)
			require.NoError(t, err)
			got, want := o.Trace["latents"].Float32s(), steps[c.Name].Float32s()
			require.Less(t, golden.RelErr(got, want[len(want)-len(got):]), 1e-4)
			if len(c.Adapters) != 1 {
				return
			}
			after := golden.Tensors(t, filepath.Join(fused, "unet", "diffusion_pytorch_model.safetensors"))
			for key, delta := range golden.Tensors(t, golden.Path("adapters", c.Name+"-deltas.safetensors")) {
				name := strings.TrimPrefix(key, "unet/")
				base, err := before[name].Convert(tensor.F32)
				require.NoError(t, err)
				want := base.Float32s()
				for i, d := range delta.Float32s() {
					want[i] += d
				}
				require.Less(t, golden.RelErr(after[name].Float32s(), want), 1e-6, name)
			}
		})
	}
}

// made returns a tensor of small numbers.
func made(seed uint32, shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.F32, shape...)
	for i := range x.Float32s() {
		seed = seed*1664525 + 1013904223
		x.Float32s()[i] = float32(int32(seed)) / (1 << 33)
	}
	return x
}

// fusedLoRA is a LoRA for model b, also for weights that are rows of a tensor, or transposed, in a single file.
func fusedLoRA(t testing.TB) string {
	tensors := make(map[string]*tensor.Tensor)
	for i, m := range []struct {
		name    string
		out, in int
	}{
		{"lora_te1_text_model_encoder_layers_0_mlp_fc1", 72, 24}, {"lora_te2_text_model_encoder_layers_1_self_attn_q_proj", 56, 56},
		{"lora_te2_text_model_encoder_layers_1_self_attn_v_proj", 56, 56}, {"lora_te2_text_projection", 40, 56},
		{"lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q", 56, 56}, {"lora_unet_middle_block_1_proj_in", 56, 56},
	} {
		tensors[m.name+".lora_down.weight"], tensors[m.name+".lora_up.weight"] = made(uint32(2*i), 2, m.in), made(uint32(2*i+1), m.out, 2)
	}
	path := filepath.Join(t.TempDir(), "rows.safetensors")
	write(t, path, tensors)
	return path
}

// TestFusedSingleFile writes a LoRA into a single file, and draws what the model draws with it.
func TestFusedSingleFile(t *testing.T) {
	config, b := golden.Path("b", "model"), backend(t, 0)
	single := golden.Path("b", "single.safetensors")
	var library adapt.Library
	defer library.Close()
	name, err := library.Add(fusedLoRA(t))
	require.NoError(t, err)
	adapters := []sdxl.Adapter{{Name: name, Weight: new(0.8), TextWeight: new(1.3)}}
	latents := func(path string, o sdxl.OpenOptions, adapters []sdxl.Adapter) []float32 {
		options := sdxl.Options{Prompt: "a red circle", Steps: new(2), Seed: new(int64(3)), Width: 64, Height: 64, Adapters: adapters, Trace: map[string]*tensor.Tensor{}}
		pipe := sdxl.NewPipeline(open(t, path, o), b, sdxl.PipelineOptions{Adapters: &library})
		defer pipe.Close()
		_, err := pipe.Generate(t.Context(), options)
		require.NoError(t, err)
		return options.Trace["latents"].Float32s()
	}
	want := latents(config, sdxl.OpenOptions{}, adapters)
	require.Greater(t, golden.RelErr(latents(config, sdxl.OpenOptions{}, nil), want), 1e-2, "no effect")

	m := open(t, single, sdxl.OpenOptions{Config: config})
	f, err := m.Fuse(&library, adapters)
	require.NoError(t, err)
	in, err := checkpoint.Open(single)
	require.NoError(t, err)
	defer in.Close()
	out := filepath.Join(t.TempDir(), "fused.safetensors")
	require.NoError(t, f.Write(t.Context(), out, in, "", wide))
	require.NoError(t, f.Left())
	require.Less(t, golden.RelErr(latents(out, sdxl.OpenOptions{Config: config}, nil), want), 1e-5)
	_, err = m.Fuse(&library, []sdxl.Adapter{{Name: name, Weight: new(0.0)}})
	require.ErrorContains(t, err, "the adapters change no weight of the model")
	_, err = m.Fuse(&library, []sdxl.Adapter{{Name: "none"}})
	require.ErrorContains(t, err, "adapters[0].name is wrong")
}
