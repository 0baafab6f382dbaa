package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// TestConvertFuses writes a LoRA into a folder, single files and GGUF, with the numbers of each format. Package sdxl compares them with diffusers'.
func TestConvertFuses(t *testing.T) {
	dir := t.TempDir()
	lora, folder := golden.Path("adapters", "kohya-sgm.safetensors")+":0.5", model("c")
	unet := filepath.Join("unet", "diffusion_pytorch_model.safetensors")
	fuse := func(in, out string, args ...string) string {
		out = filepath.Join(dir, out)
		ok(t, "", append([]string{"convert", in, "-o", out, "--lora", lora}, args...)...)
		return out
	}
	const changed = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
	values := func(path string) []float32 {
		f, err := checkpoint.Open(path)
		require.NoError(t, err)
		defer f.Close()
		x, err := f.Tensor(changed)
		require.NoError(t, err)
		wide, err := x.Convert(tensor.F32)
		require.NoError(t, err)
		wide, err = wide.Clone()
		require.NoError(t, err)
		return wide.Float32s()
	}
	want := values(filepath.Join(folder, unet))
	for i, d := range golden.Tensors(t, golden.Path("adapters", "kohya-half-deltas.safetensors"))["unet/"+changed].Float32s() {
		want[i] += d
	}
	whole := fuse(folder, "folder", "--dtype", "f32")
	require.Less(t, golden.RelErr(values(filepath.Join(whole, unet)), want), 1e-6)
	require.Less(t, golden.RelErr(values(filepath.Join(fuse(folder, "kept", "--dtype", "keep"), unet)), want), 1e-3)

	fused := filepath.Join(whole, unet)
	draw := func(name, path string, args ...string) {
		ok(t, "", append([]string{"txt2img", "a red circle", "-m", path, "--steps", "1", "--width", "64", "--height", "64", "-o", filepath.Join(dir, name+".png")}, args...)...)
	}
	draw("folder", whole)
	for _, dtype := range []string{"f32", "f16", "q8_0"} {
		out := filepath.Join(dir, dtype+".gguf")
		ok(t, "", "convert", fused, "-o", out, "--dtype", dtype)
		draw(dtype, folder, "--unet", out)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".fusing-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestConvertFusesSingleFiles tries the files that hold one UNet in all formats, and what cannot be.
func TestConvertFusesSingleFiles(t *testing.T) {
	dir := t.TempDir()
	base := filepath.Join(dir, "tiny.safetensors")
	ok(t, "", "mkmodel", "--preset", "sdxl-tiny", "-o", base)
	house := filepath.Join(dir, "lora.safetensors")
	writeLoRA(t, house)
	fuse := func(out string, args ...string) string {
		out = filepath.Join(dir, out)
		ok(t, "", append([]string{"convert", base, "-o", out, "--lora", house}, args...)...)
		return out
	}
	wide := fuse("f32.safetensors", "--dtype", "f32")
	for out, dtype := range map[string]string{"f32.gguf": "f32", "q8_0.gguf": "q8_0", "kept.gguf": "keep", "int8.safetensors": "int8", "q4.safetensors": "q4"} {
		direct, twice := fuse(out, "--dtype", dtype), filepath.Join(dir, "twice-"+out)
		if dtype == "keep" {
			continue
		}
		ok(t, "", "convert", wide, "-o", twice, "--dtype", dtype) // of what is float32 there
		a, err := checkpoint.Open(direct)
		require.NoError(t, err)
		b, err := checkpoint.Open(twice)
		require.NoError(t, err)
		x, err := a.Tensor(fusedKey)
		require.NoError(t, err)
		y, err := b.Tensor(fusedKey)
		require.NoError(t, err)
		require.Equal(t, y.Bytes(), x.Bytes(), out)
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
	}
	for in, c := range map[string]struct {
		args  []string
		fault string
	}{
		"int8.safetensors": {[]string{"--dtype", "f32"}, "is quantised (int8), and takes no LoRA: convert the original"},
		"q8_0.gguf":        {[]string{"--dtype", "keep"}, "is quantised (Q8_0), and an adapter changes it: give another number format, or fuse into the original"},
	} {
		args := append([]string{"convert", filepath.Join(dir, in), "-o", filepath.Join(dir, "no.safetensors"), "--lora", house}, c.args...)
		_, _, err := run(t, t.Context(), "", args...)
		require.ErrorContains(t, err, c.fault)
	}
	ok(t, "", "convert", filepath.Join(dir, "q8_0.gguf"), "-o", filepath.Join(dir, "widened.safetensors"), "--dtype", "f16", "--lora", house)
	_, _, err := run(t, t.Context(), "", "convert", base, "-o", filepath.Join(dir, "x"), "--config", model("c"))
	require.ErrorContains(t, err, "--config is for --lora, which is not given")
}

// fusedKey is a weight that the LoRA of writeLoRA changes.
const fusedKey = "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight"

// writeLoRA writes a LoRA for the preset sdxl-tiny.
func writeLoRA(t *testing.T, path string) {
	const name = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"
	tensors := map[string]*tensor.Tensor{name + ".lora_down.weight": tensor.New(tensor.F32, 1, 128), name + ".lora_up.weight": tensor.New(tensor.F32, 128, 1)}
	for _, x := range tensors {
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(i%7) / 8
		}
	}
	require.NoError(t, safetensors.WriteFile(path, tensors, nil))
}
