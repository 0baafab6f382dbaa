package sdxl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint/gguf"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// TestQuantisedUNetOfGGUF draws with a UNet of ComfyUI-GGUF's, and compares latents with those of
// diffusers' pipeline with the same weights widened.
func TestQuantisedUNetOfGGUF(t *testing.T) {
	want := golden.Tensors(t, golden.Path("forms", "forms.safetensors"))["unet.gguf"]
	got := formLatents(t, sdxl.OpenOptions{UNet: golden.Path("forms", "unet.gguf")})
	require.Less(t, golden.RelErr(got.Float32s(), want.Float32s()), 1e-4)
}

// formLatents returns the latents of the golden case of forms, with parts of the golden model a replaced.
func formLatents(t *testing.T, parts sdxl.OpenOptions) *tensor.Tensor {
	data, err := os.ReadFile(golden.Path("forms", "forms.json"))
	require.NoError(t, err)
	var c struct {
		Prompt, Negative string
		Steps            int
		CFG              float64
		Seed             int64
		Width, Height    int
	}
	require.NoError(t, json.Unmarshal(data, &c))
	b := cpu.New(cpu.Options{})
	defer b.Close()
	m := open(t, golden.Path("a", "model"), parts)
	o := sdxl.Options{Prompt: c.Prompt, Negative: &c.Negative, Steps: &c.Steps, CFG: &c.CFG, Seed: &c.Seed, Width: c.Width, Height: c.Height, Trace: map[string]*tensor.Tensor{}}
	_, err = sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}).Generate(t.Context(), o)
	require.NoError(t, err)
	return o.Trace["latents"]
}

// TestUNetInFourBits draws with a UNet that diffusers stored with bitsandbytes, and compares latents with
// those of diffusers' pipeline with it.
func TestUNetInFourBits(t *testing.T) {
	folder := golden.Path("a", "model", "unet")
	tensors := golden.Tensors(t, filepath.Join(folder, "diffusion_pytorch_model.safetensors"))
	for key, x := range golden.Tensors(t, golden.Path("forms", "unet-nf4.safetensors")) {
		tensors[key] = x
	}
	dir := t.TempDir()
	config, err := os.ReadFile(filepath.Join(folder, "config.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644))
	require.NoError(t, safetensors.WriteFile(filepath.Join(dir, "diffusion_pytorch_model.safetensors"), tensors, nil))
	want := golden.Tensors(t, golden.Path("forms", "unet-nf4.latents.safetensors"))["unet-nf4"]
	require.Less(t, golden.RelErr(formLatents(t, sdxl.OpenOptions{UNet: dir}).Float32s(), want.Float32s()), 1e-4)
}

// TestPartsFromElsewhere puts a model together from files and folders of its parts, under
// the names of several programs. All give the picture of the model that they come from.
func TestPartsFromElsewhere(t *testing.T) {
	const model = "b"
	folder := golden.Path(model, "model")
	want := picture(t, folder, sdxl.OpenOptions{}, 2)
	whole := golden.Tensors(t, golden.Path(model, "single.safetensors"))
	// part writes the tensors below a prefix under another one.
	part := func(prefix, to string) string {
		tensors := make(map[string]*tensor.Tensor)
		for key, x := range whole {
			if rest, ok := strings.CutPrefix(key, prefix); ok {
				tensors[to+rest] = x
			}
		}
		require.NotEmpty(t, tensors)
		path := filepath.Join(t.TempDir(), "part.safetensors")
		write(t, path, tensors)
		return path
	}
	const unet, vae, textL, textG = "model.diffusion_model.", "first_stage_model.", "conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."
	other := golden.Path("a", "model") // gives the parts that are replaced, of other shapes
	for name, o := range map[string]sdxl.OpenOptions{
		"bare": {UNet: part(unet, ""), VAE: part(vae, ""), TextEncoder: part(textL, ""), TextEncoder2: part(textG, "")},
		"wrapped": {UNet: part(unet, "state_dict.model.diffusion_model."), VAE: part(vae, "vae."), TextEncoder: part(textL, "cond_stage_model.transformer."),
			TextEncoder2: part(textG, "module.text_encoders.clip_g.")},
		"whole files": {UNet: golden.Path(model, "single.safetensors"), VAE: golden.Path(model, "single.safetensors"), TextEncoder: golden.Path(model, "single.safetensors"),
			TextEncoder2: golden.Path(model, "single.safetensors")},
		"folders": {UNet: folder, VAE: folder + "/vae", TextEncoder: folder + "/text_encoder", TextEncoder2: folder},
		"files of folders": {UNet: folder + "/unet/diffusion_pytorch_model.safetensors", VAE: folder + "/vae/diffusion_pytorch_model.safetensors",
			TextEncoder: folder + "/text_encoder/model.safetensors", TextEncoder2: folder + "/text_encoder_2/model.safetensors"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, want, picture(t, folder, o, 2))
			o.Config = folder
			require.Equal(t, want, picture(t, "", o, 2))
			if name == "folders" {
				o.Config = ""
				m, err := sdxl.Open(other, o) // the tokenizers and sizes of the text are another's
				require.NoError(t, err)
				require.NoError(t, m.Close())
			}
		})
	}
	_, err := sdxl.Open("", sdxl.OpenOptions{UNet: folder})
	require.ErrorContains(t, err, "no first text encoder: give a model, or TextEncoder (--text-encoder of the command)")
	_, err = sdxl.Open(folder, sdxl.OpenOptions{VAE: part(unet, "")})
	require.ErrorContains(t, err, "holds none: there is no tensor decoder.up.0.block.0.conv1.weight, nor one by another program's name; it has a UNet")
	_, err = sdxl.Open(part(unet, ""), sdxl.OpenOptions{})
	require.ErrorContains(t, err, "give a file that has it with VAE (--vae of the command)")
}

// TestWholeGGUF draws with whole checkpoints as GGUF, under the names that stable-diffusion.cpp keeps
// and under its own. The picture is that of the same numbers in float32.
func TestWholeGGUF(t *testing.T) {
	single, err := safetensors.Open(golden.Path("b", "single.safetensors"))
	require.NoError(t, err)
	defer single.Close()
	dir := t.TempDir()
	config := sdxl.OpenOptions{Config: golden.Path("b", "model")}
	for _, dt := range []tensor.DType{tensor.Q80, tensor.Q41} {
		path, wide := filepath.Join(dir, dt.String()+".gguf"), filepath.Join(dir, dt.String()+".safetensors")
		require.NoError(t, gguf.WriteFile(t.Context(), path, single, dt))
		f, err := gguf.Open(path)
		require.NoError(t, err)
		require.NoError(t, safetensors.Recast(t.Context(), wide, f, tensor.F32))
		require.NoError(t, f.Close())
		accounts, err := sdxl.Inspect(path, config)
		require.NoError(t, err)
		quantised := int64(0)
		for _, a := range accounts {
			for _, s := range a.Stored {
				if s.DType == dt.String() {
					quantised += s.Bytes
				}
			}
		}
		require.Greater(t, quantised, int64(40_000), "so that it is tried")
		require.Equal(t, picture(t, wide, config, 2), picture(t, path, config, 2), dt)
		err = gguf.WriteFile(t.Context(), filepath.Join(dir, "again.gguf"), f, dt)
		require.ErrorContains(t, err, "convert the original")
	}
	renamed := make(map[string]*tensor.Tensor)
	for key, x := range golden.Tensors(t, filepath.Join(dir, "Q8_0.safetensors")) {
		key = strings.Replace(key, "conditioner.embedders.0.transformer.", "cond_stage_model.transformer.", 1)
		renamed[strings.Replace(key, "conditioner.embedders.1.model.", "cond_stage_model.1.model.", 1)] = x
	}
	own := filepath.Join(dir, "own.safetensors")
	write(t, own, renamed)
	require.Equal(t, picture(t, filepath.Join(dir, "Q8_0.safetensors"), config, 2), picture(t, own, config, 2))
}

// TestFilesOfTorch takes a VAE from a checkpoint of torch.save, and from a folder that has no other.
func TestFilesOfTorch(t *testing.T) {
	folder, ckpt := golden.Path("c", "model"), golden.Path("forms", "vae.ckpt")
	want := picture(t, folder, sdxl.OpenOptions{}, 2)
	require.Equal(t, want, picture(t, folder, sdxl.OpenOptions{VAE: ckpt}, 2))
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(folder)))
	require.NoError(t, os.Remove(filepath.Join(dir, "vae", "diffusion_pytorch_model.safetensors")))
	_, err := sdxl.Open(dir, sdxl.OpenOptions{})
	require.ErrorContains(t, err, "no weights diffusion_pytorch_model")
	data, err := os.ReadFile(ckpt)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "vae", "diffusion_pytorch_model.bin"), data, 0o600))
	_, err = sdxl.Open(dir, sdxl.OpenOptions{})
	require.ErrorContains(t, err, "parameters are missing", "its names are not those of diffusers")
}

// TestScaledNumbers draws with a UNet whose numbers have scales as other programs store them, and with
// the same numbers in float32. What codes stand for is held to torch beside package tensor.
func TestScaledNumbers(t *testing.T) {
	folder := golden.Path("c", "model")
	unet := golden.Tensors(t, filepath.Join(folder, "unet", "diffusion_pytorch_model.safetensors"))
	config := sdxl.OpenOptions{}
	for name, form := range map[string]struct {
		dt     tensor.DType
		suffix string
		shape  func(rows int) []int
		by     float32
	}{
		"ComfyUI":            {tensor.F8E4M3, "scale_weight", func(int) []int { return nil }, 1},
		"ComfyUI, newer":     {tensor.F8E5M2, "weight_scale", func(int) []int { return []int{1} }, 1},
		"by row":             {tensor.F8E4M3, "weight_scale", func(n int) []int { return []int{n, 1} }, 1},
		"integers":           {tensor.I8, "weight_scale", func(int) []int { return nil }, 1},
		"bitsandbytes, int8": {tensor.I8, "SCB", func(n int) []int { return []int{n} }, 1. / 127},
	} {
		t.Run(name, func(t *testing.T) {
			scaled, wide := map[string]*tensor.Tensor{"scaled_fp8": tensor.New(form.dt, 2)}, map[string]*tensor.Tensor{}
			for key, x := range unet {
				scaled[key], wide[key] = x, x
				stem, isMatrix := strings.CutSuffix(key, "weight")
				if !isMatrix || len(x.Shape()) < 2 {
					continue
				}
				x, err := x.Convert(tensor.F32)
				require.NoError(t, err)
				rows, scales := x.Shape()[0], tensor.New(tensor.F32, form.shape(x.Shape()[0])...)
				up := tensor.New(tensor.F32, x.Shape()...)
				for i, v := range x.Float32s() {
					up.Float32s()[i] = v * 500 // to within a type's range
				}
				stored, err := up.Convert(form.dt)
				require.NoError(t, err)
				back, err := stored.Convert(tensor.F32)
				require.NoError(t, err)
				for i := range scales.Float32s() {
					scales.Float32s()[i] = (1 + float32(i%5)/8) / 500 / form.by
				}
				each := len(back.Float32s()) / rows
				for i := range back.Float32s() {
					back.Float32s()[i] *= float32(float64(scales.Float32s()[i/each%len(scales.Float32s())]) * float64(form.by))
				}
				scaled[key], scaled[stem+form.suffix], wide[key] = stored, scales, back
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "scaled.safetensors"), scaled)
			write(t, filepath.Join(dir, "wide.safetensors"), wide)
			o := config
			o.UNet = filepath.Join(dir, "wide.safetensors")
			want := picture(t, folder, o, 2)
			o.UNet = filepath.Join(dir, "scaled.safetensors")
			require.Equal(t, want, picture(t, folder, o, 2))
			delete(scaled, "conv_in."+form.suffix)
			if form.dt == tensor.I8 {
				write(t, o.UNet, scaled)
				_, err := sdxl.Open(folder, o)
				require.ErrorContains(t, err, "tensor conv_in.weight: I8, and there is no tensor conv_in.weight_scale")
			}
		})
	}
}
