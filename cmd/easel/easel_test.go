package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/golden/picturetest"
	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/sdxl"
)

// run calls the command and returns what it prints.
func run(t *testing.T, ctx context.Context, stdin string, args ...string) (stdout, stderr string, err error) {
	var out, log bytes.Buffer
	root := newRoot()
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&log)
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	return out.String(), log.String(), err
}

func ok(t *testing.T, stdin string, args ...string) (stdout, stderr string) {
	stdout, stderr, err := run(t, t.Context(), stdin, args...)
	require.NoError(t, err)
	return stdout, stderr
}

func model(name string) string { return golden.Path(name, "model") }

func requireEmpty(t *testing.T, dir string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestTxt2ImgMakesTheReferencesPicture(t *testing.T) {
	dir := t.TempDir()
	out, trace := filepath.Join(dir, "out.png"), filepath.Join(dir, "trace.safetensors")
	c := picturetest.ReadCase(t, golden.Path("a", "pictures"), "sizes")
	_, log := ok(t, "", "txt2img", "-m", model("a"), "-p", c.Prompt, "--steps", "4", "--seed", "13", "--cfg", "4", "--width", "64", "--height", "80",
		"--original-size", "512x384", "--crop", "16,48", "--target-size", "256x320", "-o", out, "--trace", trace, "--threads", "2")
	require.NotContains(t, log, "step 4", "standard error is no terminal")
	require.Contains(t, log, "seed 13")
	got := golden.Tensors(t, trace)
	for name, want := range golden.Tensors(t, golden.Path("a", "pictures", "sizes.safetensors")) {
		require.NotNil(t, got[name], name)
		require.Less(t, golden.RelErr(got[name].Float32s()[:want.NumElements()], want.Float32s()), 1e-4, name)
	}
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	texts, err := imagefile.Texts(data)
	require.NoError(t, err)
	require.Len(t, texts, 2)
	var p sdxl.Options
	require.NoError(t, json.Unmarshal([]byte(texts[0].Text), &p))
	require.Equal(t, c.Prompt, p.Prompt)
	require.Equal(t, int64(13), *p.Seed)
	require.Equal(t, "euler", p.Sampler)
}

func TestBatchIsNumbered(t *testing.T) {
	dir := t.TempDir()
	ok(t, "", "txt2img", "-m", model("a"), "-p", "x", "--steps", "1", "--batch", "2", "-o", filepath.Join(dir, "x.png"))
	for _, name := range []string{"x-1.png", "x-2.png"} {
		f, err := os.Open(filepath.Join(dir, name))
		require.NoError(t, err)
		_, err = png.Decode(f)
		require.NoError(t, err)
		f.Close()
	}
}

func TestImg2Img(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.png")
	input := golden.Path("b", "pictures", "input.png")
	_, log := ok(t, "", "img2img", "-m", model("b"), "-p", "a red star", "-i", input, "--strength", "0.3", "--steps", "10", "-o", out)
	require.NotContains(t, log, "step 3", "standard error is no terminal")
	_, _, err := run(t, t.Context(), "", "img2img", "-m", model("b"), "-p", "x", "-i", filepath.Join(dir, "none.png"), "-o", out)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, _, err = run(t, t.Context(), "", "img2img", "-m", model("b"), "-p", "x", "-i", "easel_test.go", "-o", out)
	require.ErrorContains(t, err, "easel_test.go is no picture that can be read, want PNG, JPEG, WebP, GIF, BMP or TIFF")
}

func TestFaultsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.png")
	for want, args := range map[string][]string{
		"no/such":                                {"-m", "no/such", "-o", out},
		"width is 1001":                          {"-m", model("a"), "--width", "1001", "-o", out},
		"steps is 0":                             {"-m", model("a"), "--steps", "0", "-o", out},
		"want WIDTHxHEIGHT":                      {"-m", model("a"), "--original-size", "big", "-o", out},
		"want X,Y":                               {"-m", model("a"), "--crop", "1", "-o", out},
		"ends in .png":                           {"-m", model("a"), "-o", filepath.Join(dir, "out.gif")},
		"none":                                   {"-m", model("a"), "-o", filepath.Join(dir, "none", "out.png")},
		"is a folder":                            {"-m", model("a"), "-o", dir},
		`no precision "f8"`:                      {"-m", model("a"), "--dtype", "f8", "-o", out},
		"--threads":                              {"-m", model("a"), "--threads", "-1", "-o", out},
		"unknown flag: --stepz":                  {"-m", model("a"), "--stepz", "4", "-o", out},
		`sampler is "x", want a sampler such as`: {"-m", model("a"), "--sampler", "x", "-o", out},
	} {
		t.Run(want, func(t *testing.T) {
			_, _, err := run(t, t.Context(), "", append([]string{"txt2img", "-p", "x"}, args...)...)
			require.ErrorContains(t, err, want)
			requireEmpty(t, dir)
		})
	}
}

func TestInterruptLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupt"))
	_, _, err := run(t, ctx, "", "txt2img", "-m", model("a"), "-p", "x", "-o", filepath.Join(dir, "out.png"), "--trace", filepath.Join(dir, "t.safetensors"))
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)
}

func TestEmbed(t *testing.T) {
	out := filepath.Join(t.TempDir(), "e.safetensors")
	c := picturetest.ReadCase(t, golden.Path("a", "pictures"), "euler-linspace")
	ok(t, "", "embed", "-m", model("a"), "-p", c.Prompt, "-p", *c.Negative, "-o", out)
	got, want := golden.Tensors(t, out), golden.Tensors(t, golden.Path("a", "pictures", "euler-linspace.safetensors"))
	require.Len(t, got, 6)
	embeds, pooled := got["prompt_embeds"].Float32s(), got["pooled"].Float32s()
	require.Less(t, golden.RelErr(embeds[:len(embeds)/2], want["prompt_embeds"].Float32s()), 1e-5)
	require.Less(t, golden.RelErr(embeds[len(embeds)/2:], want["negative_prompt_embeds"].Float32s()), 1e-5)
	require.Less(t, golden.RelErr(pooled[:len(pooled)/2], want["pooled"].Float32s()), 1e-5)

	stdout, _ := ok(t, "", "embed", "-m", model("a"), "-p", c.Prompt, "--json")
	var j map[string]jsonTensor
	require.NoError(t, json.Unmarshal([]byte(stdout), &j))
	require.Equal(t, []int{1, 77}, j["ids_l"].Shape)
	require.Len(t, j["pooled"].Data, len(pooled)/2)
	_, _, err := run(t, t.Context(), "", "embed", "-m", model("a"), "-p", "x")
	require.ErrorContains(t, err, "either -o FILE or --json")
}

func TestTokenize(t *testing.T) {
	stdout, _ := ok(t, "a red circle!\n\n", "tokenize", "-m", model("a"))
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	require.Len(t, lines, 4)
	require.True(t, strings.HasPrefix(lines[0], "ids_l 701 "), lines[0])
	require.Equal(t, "ids_g 701 702", lines[3])
	require.Contains(t, lines[1], " 0 702", "the second tokenizer's ! is its padding")

	stdout, _ = ok(t, `["a red circle!", ""]`, "tokenize", "-m", model("a"), "--json")
	var ids map[string][][]int32
	require.NoError(t, json.Unmarshal([]byte(stdout), &ids))
	require.Equal(t, []int32{701, 702}, ids["ids_l"][1])
	_, _, err := run(t, t.Context(), "red", "tokenize", "-m", model("a"), "--json")
	require.ErrorContains(t, err, "want a JSON array")
}

func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.safetensors")
	ref := golden.Path("b", "parts", "unet-1x12x12.safetensors")
	ok(t, "", "run", "unet", "-m", model("b"), "--in", ref, "--out", out, "--tap", "mid_block.attentions.0")
	got, want := golden.Tensors(t, out), golden.Tensors(t, ref)
	require.Len(t, got, 2)
	require.Less(t, golden.RelErr(got["out"].Float32s(), want["out"].Float32s()), 1e-5)
	require.Less(t, golden.RelErr(got["mid_block.attentions.0"].Float32s(), want["tap.mid_block.attentions.0"].Float32s()), 1e-5)
	_, _, err := run(t, t.Context(), "", "run", "unet", "-m", model("b"), "--in", golden.Path("b", "parts", "clip-l.safetensors"), "--out", out)
	require.ErrorContains(t, err, "unet: input sample is missing; given: ")
	_, _, err = run(t, t.Context(), "", "run", "vae", "-m", model("b"), "--in", ref, "--out", out)
	require.ErrorContains(t, err, `no graph "vae"; there are clip-l`)
}

func TestInspect(t *testing.T) {
	stdout, _ := ok(t, "", "inspect", model("a"))
	require.Contains(t, stdout, "text_encoder_2")
	stdout, _ = ok(t, "", "inspect", golden.Path("b", "single.safetensors"), "--config", model("b"), "--tensors")
	for _, line := range []string{
		"mapped   unet/conv_in.weight <- model.diffusion_model.input_blocks.0.0.weight\n",
		"layers.0.self_attn.v_proj.weight <- conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight\n",
	} {
		require.True(t, strings.Contains(stdout, line), line)
	}
	stdout, _ = ok(t, "", "inspect", model("a"), "--json")
	var accounts []checkpoint.Account
	require.NoError(t, json.Unmarshal([]byte(stdout), &accounts))
	require.Len(t, accounts, 4)
	_, _, err := run(t, t.Context(), "", "inspect", t.TempDir())
	require.ErrorContains(t, err, "no diffusers folder")
}

func TestBenchQuality(t *testing.T) {
	dir := t.TempDir()
	table, plot := filepath.Join(dir, "q.csv"), filepath.Join(dir, "q.svg")
	stdout, _ := ok(t, "", "bench", "quality", "--captions", "5", "--steps", "1,3", "--cfg", "2", "--csv", table, "--plot", plot)
	require.Equal(t, 3, strings.Count(stdout, "\n"), stdout)
	data, err := os.ReadFile(table)
	require.NoError(t, err)
	require.Contains(t, string(data), "dpmpp_2m,karras,3,2,,all,5,")
	_, err = os.Stat(plot)
	require.NoError(t, err)
	_, _, err = run(t, t.Context(), "", "bench", "quality", "--captions", "0")
	require.ErrorContains(t, err, "--captions 0: want 1 to ")
}

func TestDemoSheet(t *testing.T) {
	require.Equal(t, []string{"a red", "circle"}, wrap("a red circle", 6))
	sheet := contactSheet([]image.Image{image.NewNRGBA(image.Rect(0, 0, 128, 128))}, []string{"black"})
	require.Equal(t, demoColumns*(128+2*demoMargin), sheet.Bounds().Dx())
}

func TestPlanSaysWhatAPictureTakes(t *testing.T) {
	out, _ := ok(t, "", "plan", "--width", "256", "--height", "256", "--steps", "3")
	for _, s := range []string{"clip-l", "clip-g", "unet", "vae-decoder", "peak"} {
		require.Contains(t, out, s)
	}
	_, _, err := run(t, context.Background(), "", "plan", "--width", "250")
	require.ErrorContains(t, err, "width is 250")
	_, _, err = run(t, context.Background(), "", "plan", "--memory", "many")
	require.ErrorContains(t, err, "2GiB")
}

// TestConvertKeepsThePicture holds the numbers of a model in float32, where they
// have room, and in bfloat16, where they are rounded.
func TestConvertKeepsThePicture(t *testing.T) {
	dir := t.TempDir()
	draw := func(model, name string) []byte {
		path := filepath.Join(dir, name)
		ok(t, "", "txt2img", "-m", model, "-p", "a cat", "--width", "64", "--height", "64", "--steps", "2", "--seed", "3", "-o", path)
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		img, err := png.Decode(f)
		require.NoError(t, err)
		return img.(*image.RGBA).Pix
	}
	want := draw(model("a"), "want.png")
	for _, dtype := range []string{"f32", "bf16"} {
		out := filepath.Join(dir, dtype)
		ok(t, "", "convert", model("a"), "-o", out, "--dtype", dtype)
		got := draw(out, dtype+".png")
		require.Equal(t, dtype == "f32", string(want) == string(got), dtype)
	}
	_, _, err := run(t, context.Background(), "", "convert", model("a"), "-o", filepath.Join(dir, "bf16"))
	require.ErrorContains(t, err, "exists")
	_, _, err = run(t, context.Background(), "", "convert", model("a"), "-o", filepath.Join(dir, "x"), "--dtype", "f8")
	require.ErrorContains(t, err, "want one of f32, f16, bf16, int8, q8, q4")
}

// TestConvertQuantises draws with both forms of a quantised model.
func TestConvertQuantises(t *testing.T) {
	if testing.Short() {
		t.Skip("draws many pictures; go test without -short runs it")
	}
	dir := t.TempDir()
	single, folder := filepath.Join(dir, "tiny.safetensors"), filepath.Join(dir, "tiny")
	ok(t, "", "mkmodel", "--preset", "sdxl-tiny", "-o", single)
	ok(t, "", "mkmodel", "--preset", "sdxl-tiny", "-o", folder+"/")
	asGGUF := single + ".gguf"
	ok(t, "", "convert", single, "-o", asGGUF, "--dtype", "q5_1")
	inspected, _ := ok(t, "", "inspect", asGGUF)
	require.Contains(t, inspected, "Q5_1")
	ok(t, "", "convert", asGGUF, "-o", asGGUF+".safetensors", "--dtype", "f16")
	drawn := func(path, out string, args ...string) string {
		ok(t, "", append([]string{"txt2img", "-m", path, "-p", "a cat", "--width", "64", "--height", "64", "--steps", "1", "--seed", "1", "-o", out}, args...)...)
		b, err := os.ReadFile(out)
		require.NoError(t, err)
		return string(b)
	}
	require.Equal(t, drawn(asGGUF, asGGUF+".png"), drawn(single, single+".png", "--unet", asGGUF, "--vae", asGGUF, "--text-encoder", asGGUF, "--text-encoder-2", asGGUF))
	_, _, err := run(t, context.Background(), "", "convert", asGGUF, "-o", filepath.Join(dir, "again.gguf"), "--dtype", "q4_0")
	require.ErrorContains(t, err, "is quantised (Q5_1): convert the original")
	_, _, err = run(t, context.Background(), "", "convert", single, "-o", filepath.Join(dir, "x.safetensors"), "--dtype", "q4_0")
	require.ErrorContains(t, err, "Q4_0 is written to files whose name ends in .gguf")
	for _, in := range []string{single, folder} {
		for _, dtype := range []string{"int8", "q8", "q4"} {
			out := in + "." + dtype
			ok(t, "", "convert", in, "-o", out, "--dtype", dtype)
			ok(t, "", "txt2img", "-m", out, "-p", "a cat", "--width", "64", "--height", "64", "--steps", "1", "--dtype", "int8", "-o", out+".png")
			inspected, _ := ok(t, "", "inspect", out)
			require.Contains(t, inspected, map[string]string{"int8": "I8", "q8": "I8", "q4": "F4"}[dtype])
			for _, again := range []string{"bf16", "q4"} {
				_, _, err := run(t, context.Background(), "", "convert", out, "-o", out+"-again", "--dtype", again)
				require.ErrorContains(t, err, "convert the original")
				require.NoFileExists(t, out+"-again")
			}
		}
	}
}
