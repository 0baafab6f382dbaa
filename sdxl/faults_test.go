package sdxl_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/mkmodel"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/golden/picturetest"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// changed copies model b with the UNet's tensors changed.
func changed(t *testing.T, change func(map[string]*tensor.Tensor)) string {
	return copyModel(t, "b", func(path string, tensors map[string]*tensor.Tensor) {
		if filepath.Base(filepath.Dir(path)) == "unet" {
			tensors = maps.Clone(tensors)
			change(tensors)
		}
		write(t, path, tensors)
	})
}

// edited copies model b with a field of a JSON file changed.
func edited(t *testing.T, file, field string, value any) string {
	dst := t.TempDir()
	require.NoError(t, os.CopyFS(dst, os.DirFS(golden.Path("b", "model"))))
	path := filepath.Join(dst, file)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(data), "-Infinity", "null")), &v))
	v[field] = value
	data, err = json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return dst
}

func TestOpenNamesFaults(t *testing.T) {
	const weight = "down_blocks.1.attentions.0.proj_in.weight"
	without := func(dir string) string {
		dst := t.TempDir()
		require.NoError(t, os.CopyFS(dst, os.DirFS(golden.Path("b", "model"))))
		require.NoError(t, os.RemoveAll(filepath.Join(dst, dir)))
		return dst
	}
	const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 335304388\n"
	replaced := func(file, with string) string {
		dst := without(file)
		require.NoError(t, os.WriteFile(filepath.Join(dst, file), []byte(with), 0o644))
		return dst
	}
	truncated := filepath.Join(t.TempDir(), "short.safetensors")
	data, err := os.ReadFile(golden.Path("b", "single.safetensors"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(truncated, data[:len(data)/2], 0o644))
	for name, c := range map[string]struct {
		path string
		opts sdxl.OpenOptions
		want []string
	}{
		"no such file": {"no/such/model", sdxl.OpenOptions{}, []string{"no/such/model"}},
		"no model":     {t.TempDir(), sdxl.OpenOptions{}, []string{"no diffusers folder", "unet"}},
		"no unet":      {without("unet"), sdxl.OpenOptions{}, []string{"unet/config.json"}},
		"no weights":   {without("vae/diffusion_pytorch_model.safetensors"), sdxl.OpenOptions{}, []string{"vae", "diffusion_pytorch_model"}},
		"no tokenizer": {without("tokenizer_2"), sdxl.OpenOptions{}, []string{"tokenizer_2"}},
		"truncated":    {truncated, sdxl.OpenOptions{Config: golden.Path("b", "model")}, []string{"short.safetensors"}},
		"html":         {replaced("vae/diffusion_pytorch_model.safetensors", "<!DOCTYPE html>\n<html>"), sdxl.OpenOptions{}, []string{"vae", "diffusion_pytorch_model.safetensors", "an HTML page"}},
		"lfs":          {replaced("unet/diffusion_pytorch_model.safetensors", lfs), sdxl.OpenOptions{}, []string{"unet", "a Git LFS pointer", "git lfs pull"}},
		"html config":  {replaced("unet/config.json", "<html>"), sdxl.OpenOptions{}, []string{"unet/config.json: no JSON but an HTML page"}},
		"lfs vocab":    {replaced("tokenizer/vocab.json", lfs), sdxl.OpenOptions{}, []string{"tokenizer", "vocab.json", "a Git LFS pointer"}},
		"inpainting":   {edited(t, "unet/config.json", "in_channels", 9), sdxl.OpenOptions{}, []string{"unet", "in_channels is 9, the VAE's latents have 4", "inpainting"}},
		"edits":        {edited(t, "unet/config.json", "in_channels", 8), sdxl.OpenOptions{}, []string{"unet", "in_channels is 8, the VAE's latents have 4", "edits pictures"}},
		"in_channels":  {edited(t, "unet/config.json", "in_channels", 5), sdxl.OpenOptions{}, []string{"unet", "in_channels is 5, the VAE's latents have 4"}},
		"out_channels": {edited(t, "unet/config.json", "out_channels", 8), sdxl.OpenOptions{}, []string{"unet", "out_channels is 8, the VAE's latents have 4"}},
		"lfs merges":   {replaced("tokenizer/merges.txt", lfs), sdxl.OpenOptions{}, []string{"tokenizer", "merges.txt: no merges but a Git LFS pointer"}},
		"no config":    {golden.Path("b", "single.safetensors"), sdxl.OpenOptions{}, []string{"configuration of a diffusers folder"}},
		"missing":      {changed(t, func(m map[string]*tensor.Tensor) { delete(m, weight) }), sdxl.OpenOptions{}, []string{"1 parameters are missing", weight}},
		"unused": {changed(t, func(m map[string]*tensor.Tensor) { m["surplus.weight"] = m[weight] }), sdxl.OpenOptions{},
			[]string{"1 tensors are unused", "--allow-unused", "surplus.weight"}},
		"misshapen": {changed(t, func(m map[string]*tensor.Tensor) { m[weight] = tensor.New(tensor.F16, 3, 5) }), sdxl.OpenOptions{},
			[]string{weight, "[3 5]"}},
		"no scale": {changed(t, func(m map[string]*tensor.Tensor) { m[weight] = tensor.New(tensor.I8, m[weight].Shape()...) }), sdxl.OpenOptions{},
			[]string{weight, "I8, and there is no tensor " + weight + "_scale"}},
		"bad scale": {changed(t, func(m map[string]*tensor.Tensor) {
			m[weight], m[weight+"_scale"] = tensor.New(tensor.I8, m[weight].Shape()...), tensor.New(tensor.F32, 3)
		}), sdxl.OpenOptions{}, []string{weight, "is F32[3], want F32["}},
		"surplus scale": {changed(t, func(m map[string]*tensor.Tensor) { m[weight+"_scale"] = tensor.New(tensor.F32, 3) }), sdxl.OpenOptions{},
			[]string{"1 tensors are unused", weight + "_scale"}},
		"no SDXL":       {edited(t, "unet/config.json", "addition_embed_type", nil), sdxl.OpenOptions{}, []string{"unet", "addition_embed_type", "text_time"}},
		"bad heads":     {edited(t, "unet/config.json", "attention_head_dim", []int{3, 7, 2}), sdxl.OpenOptions{}, []string{"7 heads"}},
		"bad type":      {edited(t, "unet/config.json", "in_channels", "four"), sdxl.OpenOptions{}, []string{"unet/config.json", "in_channels"}},
		"bad list":      {edited(t, "unet/config.json", "layers_per_block", []string{"two"}), sdxl.OpenOptions{}, []string{"unet/config.json"}},
		"bad act":       {edited(t, "text_encoder/config.json", "hidden_act", "relu"), sdxl.OpenOptions{}, []string{"text_encoder", "hidden_act", "relu"}},
		"bad groups":    {edited(t, "vae/config.json", "norm_num_groups", 7), sdxl.OpenOptions{}, []string{"vae", "norm_num_groups 7"}},
		"bad context":   {edited(t, "unet/config.json", "cross_attention_dim", 81), sdxl.OpenOptions{}, []string{"cross_attention_dim is 81"}},
		"bad scheduler": {edited(t, "scheduler/scheduler_config.json", "beta_start", "low"), sdxl.OpenOptions{}, []string{"scheduler_config.json", "beta_start"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sdxl.Open(c.path, c.opts)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// Files of other UNets: their first convolution takes more channels than latents
// have, or their last one gives more. Neither layout may draw with them.
func TestOtherChannelsAreRefused(t *testing.T) {
	widened := func(w *tensor.Tensor, axis, n int) *tensor.Tensor {
		shape := w.Shape().Clone()
		shape[axis] = n
		wide, err := tensor.Zeros(w.DType(), shape...)
		require.NoError(t, err)
		return wide
	}
	type change struct {
		folder, single string // names of the weight
		axis, channels int
	}
	path := filepath.Join(t.TempDir(), "tiny.safetensors") // nothing beside the file says how wide it is
	architecture, err := mkmodel.Architecture("sdxl-tiny")
	require.NoError(t, err)
	require.NoError(t, mkmodel.WriteSingleFile(t.Context(), path, architecture))
	whole, single := golden.Tensors(t, path), golden.Tensors(t, golden.Path("b", "single.safetensors"))
	const out = "model.diffusion_model.out.2"
	in := change{"conv_in.weight", "model.diffusion_model.input_blocks.0.0.weight", 1, 9}
	for name, c := range map[string]struct {
		change
		want string
	}{
		"inpainting": {in, "this is an inpainting UNet"},
		"edits":      {change{in.folder, in.single, 1, 8}, "this UNet edits pictures"},
		"five":       {change{in.folder, in.single, 1, 5}, "in_channels is 5, the VAE's latents have 4"},
		"three":      {change{in.folder, in.single, 1, 3}, "in_channels is 3, the VAE's latents have 4"},
		"output":     {change{"conv_out.weight", out + ".weight", 0, 8}, "out_channels is 8, the VAE's latents have 4"},
	} {
		t.Run(name, func(t *testing.T) {
			fields := map[int]string{0: "out_channels", 1: "in_channels"}
			wide := func(m map[string]*tensor.Tensor) {
				m[c.folder] = widened(m[c.folder], c.axis, c.channels)
				if c.axis == 0 {
					m["conv_out.bias"] = widened(m["conv_out.bias"], 0, c.channels)
				}
			}
			folder := changed(t, wide) // whose configuration still says 4
			_, err := sdxl.Open(folder, sdxl.OpenOptions{})
			require.ErrorContains(t, err, c.folder)
			said := edited(t, "unet/config.json", fields[c.axis], c.channels)
			config, err := os.ReadFile(filepath.Join(said, "unet", "config.json"))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, "unet", "config.json"), config, 0o644))
			_, err = sdxl.Open(folder, sdxl.OpenOptions{})
			require.ErrorContains(t, err, c.want)
			_, err = sdxl.Open(folder, sdxl.OpenOptions{AllowUnused: true})
			require.ErrorContains(t, err, c.want)

			file := func(m map[string]*tensor.Tensor) string {
				m = maps.Clone(m)
				m[c.single] = widened(m[c.single], c.axis, c.channels)
				if c.axis == 0 {
					m[out+".bias"] = widened(m[out+".bias"], 0, c.channels)
				}
				path := filepath.Join(t.TempDir(), "single.safetensors")
				write(t, path, m)
				return path
			}
			_, err = sdxl.Open(file(whole), sdxl.OpenOptions{})
			require.ErrorContains(t, err, c.want)
			_, err = sdxl.Open(file(single), sdxl.OpenOptions{Config: golden.Path("b", "model")})
			require.ErrorContains(t, err, c.single, "the configuration that was given says 4")
		})
	}
}

func TestUnusedAndMissingMayBeAllowed(t *testing.T) {
	const weight = "conv_in.weight"
	path := changed(t, func(m map[string]*tensor.Tensor) { m["surplus.weight"] = m[weight] })
	m, err := sdxl.Open(path, sdxl.OpenOptions{AllowUnused: true})
	require.NoError(t, err)
	m.Close()

	path = changed(t, func(m map[string]*tensor.Tensor) { delete(m, weight) })
	m = open(t, path, sdxl.OpenOptions{AllowMissing: true})
	_, err = m.RunGraph(context.Background(), backend(t, 1), "unet", golden.Tensors(t, golden.Path("b", "parts", "unet-1x5x5.safetensors")), nil)
	require.ErrorContains(t, err, weight)

	accounts, err := sdxl.Inspect(path, sdxl.OpenOptions{})
	require.NoError(t, err)
	found := false
	for _, a := range accounts {
		if a.Component == "unet" {
			found = true
			require.Equal(t, []string{weight}, a.Missing)
			require.NotEmpty(t, a.Mapped)
		}
	}
	require.True(t, found)
}

func TestGenerateNamesFaults(t *testing.T) {
	p := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{}), backend(t, 1), sdxl.PipelineOptions{})
	num := func(n int) *int { return &n }
	real := func(f float64) *float64 { return &f }
	img := picturetest.ReadPNG(t, golden.Path("a", "pictures", "input.png"))
	for want, o := range map[string]sdxl.Options{
		"width is 1001, want a multiple of 8":           {Width: 1001},
		"height is -8":                                  {Height: -8},
		"steps is 0, want 1 to":                         {Steps: num(0)},
		"batch is 0":                                    {Batch: num(0)},
		`sampler is "ddpm2"`:                            {Sampler: "ddpm2"},
		`schedule is "cosine"`:                          {Schedule: "cosine"},
		`spacing is "wide"`:                             {Spacing: "wide"},
		"strength is 1.5":                               {Image: img, Strength: real(1.5)},
		"strength 0.01 of 30 steps is less than":        {Image: img, Strength: real(0.01)},
		"width is 12, want a multiple of 8 up to 16384": {Width: 12, Height: 9},
	} {
		t.Run(want, func(t *testing.T) {
			_, err := p.Generate(context.Background(), o)
			require.ErrorContains(t, err, want)
		})
	}
	_, err := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.VAEPart}), backend(t, 1), sdxl.PipelineOptions{}).
		Generate(context.Background(), sdxl.Options{})
	require.ErrorContains(t, err, "needs the tokenizers and the text encoders and the UNet, which this model was opened without")
}

func TestGenerateStopsWhenCancelled(t *testing.T) {
	p := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{}), backend(t, 2), sdxl.PipelineOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	last := 0
	_, err := p.Generate(ctx, sdxl.Options{Progress: func(s sdxl.Progress) {
		require.Equal(t, last+1, s.Step)
		last = s.Step
		if s.Step == 2 {
			images, err := s.Preview(ctx)
			require.NoError(t, err)
			require.Len(t, images, 1)
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2, last)
}
