package sdxl_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// gradient is a picture of some size.
func gradient(w, h int) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.Set(i%w, i/w, color.NRGBA{uint8(3 * i), uint8(i / w * 5), uint8(i % w * 4), 255})
	}
	return m
}

// TestPairsOfOptions sets every two of some options: each has its effect beside
// the other, and the parameters that are kept make the same picture again.
func TestPairsOfOptions(t *testing.T) {
	pipe := smallest(t)
	type option struct {
		name string
		set  func(*sdxl.Options)
	}
	options := []option{
		{"negative", func(o *sdxl.Options) { o.Negative = new("a moon") }},
		{"cfg", func(o *sdxl.Options) { o.CFG = new(9.0) }},
		{"prompt_2", func(o *sdxl.Options) { o.Prompt2 = new("blue star") }},
		{"clip_skip", func(o *sdxl.Options) { o.ClipSkip = 1 }},
		{"weights", func(o *sdxl.Options) { o.PromptSyntax = "comfy" }},
		{"batch", func(o *sdxl.Options) { o.Batch, o.Index = new(2), new(1) }},
		{"noise", func(o *sdxl.Options) { o.Noise = "philox" }},
		{"variation", func(o *sdxl.Options) { o.Variation = &sdxl.Variation{Seed: 9, Strength: 0.4} }},
		{"sampler", func(o *sdxl.Options) { o.Sampler = "dpmpp_2m" }},
		{"schedule", func(o *sdxl.Options) { o.Schedule = "karras" }},
		{"spacing", func(o *sdxl.Options) { o.Spacing = "linspace" }},
		{"apg", func(o *sdxl.Options) {
			o.Guidance = guidance.Settings{Method: guidance.MethodAPG, APG: &guidance.APG{Eta: 0.3}}
		}},
		{"pag", func(o *sdxl.Options) { o.PAG = &sdxl.PAG{Scale: 3} }},
		{"sag", func(o *sdxl.Options) { o.SAG = 0.9 }},
		{"freeu", func(o *sdxl.Options) { o.FreeU = &unet.FreeU{B1: 1.4, B2: 1.3, S1: 0.7, S2: 0.5} }},
		{"crop", func(o *sdxl.Options) { o.Crop = sdxl.Corner{X: 300, Y: 10} }},
		{"original_size", func(o *sdxl.Options) { o.OriginalSize = &sdxl.Size{Width: 700, Height: 900} }},
		{"picture", func(o *sdxl.Options) { o.Image, o.Strength = gradient(64, 64), new(0.7) }},
		{"skip_end", func(o *sdxl.Options) { o.SkipEnd = 0.3 }},
		{"cache", func(o *sdxl.Options) { o.Cache = "deepcache:2" }},
	}
	draw := func(set ...option) ([]byte, error) {
		o := sdxl.Options{Prompt: "a (red:1.4) circle", Steps: new(4), Seed: new(int64(3)), Width: 64, Height: 64, MostCalls: 1000}
		for _, s := range set {
			s.set(&o)
		}
		r, err := pipe.Generate(t.Context(), o)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(r.Parameters)
		require.NoError(t, err)
		var kept sdxl.Options
		require.NoError(t, json.Unmarshal(text, &kept))
		kept.Image = o.Image
		again, err := pipe.Generate(t.Context(), kept)
		require.NoError(t, err, "%s", text)
		require.True(t, bytes.Equal(r.Images[0].Pix, again.Images[0].Pix), "%s", text)
		return r.Images[0].Pix, nil
	}
	plain, err := draw()
	require.NoError(t, err)
	alone := make(map[string][]byte)
	for _, o := range options {
		got, err := draw(o)
		require.NoError(t, err, o.name)
		require.False(t, bytes.Equal(plain, got), "%s has no effect", o.name)
		alone[o.name] = got
	}
	if testing.Short() {
		options = options[10:]
	}
	for i, a := range options {
		for _, b := range options[:i] {
			got, err := draw(b, a)
			if err != nil {
				var faults sdxl.FieldErrors
				require.True(t, errors.As(err, &faults), "%s and %s: %v", b.name, a.name, err)
				continue
			}
			require.False(t, bytes.Equal(alone[a.name], got), "%s has no effect beside %s", b.name, a.name)
			require.False(t, bytes.Equal(alone[b.name], got), "%s has no effect beside %s", a.name, b.name)
		}
	}
}

// latents runs options and returns what they end with.
func latents(t *testing.T, pipe *sdxl.Pipeline, o sdxl.Options) map[string]*tensor.Tensor {
	o.Trace = map[string]*tensor.Tensor{}
	_, err := pipe.Generate(t.Context(), o)
	require.NoError(t, err)
	return o.Trace
}

// TestRestingStepsWithSelfAttention: a step whose scale is 1 runs the positive
// side alone only where nothing else asks for both.
func TestRestingStepsWithSelfAttention(t *testing.T) {
	pipe := smallest(t)
	for name, o := range map[string]sdxl.Options{"sag": {SAG: 0.75}, "pag": {PAG: &sdxl.PAG{Scale: 2}}, "cache": {Cache: "deepcache:2"}, "alone": {}} {
		o.Prompt, o.Steps, o.Seed, o.Width, o.Height = "a", new(3), new(int64(1)), 64, 64
		o.Guidance.Scales = []float64{6, 1, 6}
		rests := latents(t, pipe, o)
		o.Guidance.Scales = []float64{6, 1 + 1e-7, 6}
		require.Less(t, golden.RelErr(rests["latents"].Float32s(), latents(t, pipe, o)["latents"].Float32s()), 1e-4, name)
	}
}

// TestClipSkipWithoutNegative: in diffusers' syntax the prompt's layers are
// skipped whatever the negative prompt is.
func TestClipSkipWithoutNegative(t *testing.T) {
	pipe := smallest(t)
	embeds := func(skip int, cfg float64, negative *string) []float32 {
		o := sdxl.Options{Prompt: "a ring", Negative: negative, ClipSkip: skip, CFG: &cfg, PromptSyntax: "diffusers", Steps: new(1), Seed: new(int64(1)), Width: 64, Height: 64}
		return latents(t, pipe, o)["prompt_embeds"].Float32s()
	}
	want := embeds(1, 5, new("a moon"))
	require.Equal(t, want, embeds(1, 5, nil))
	require.Equal(t, want, embeds(1, 1, nil), "without guidance")
	require.NotEqual(t, embeds(0, 5, nil), want)
}

// TestBoundsOfOptions: values at their bounds, and one past them.
func TestBoundsOfOptions(t *testing.T) {
	m := smallest(t).Model()
	const below1 = 1 - 1e-9
	for _, c := range []struct {
		o  sdxl.Options
		ok bool
	}{
		{sdxl.Options{SkipEnd: below1}, true}, {sdxl.Options{SkipEnd: 1}, false}, {sdxl.Options{SkipEnd: -1e-9}, false},
		{sdxl.Options{Steps: new(1000)}, true}, {sdxl.Options{Steps: new(1001)}, false}, {sdxl.Options{Steps: new(1)}, true}, {sdxl.Options{Steps: new(0)}, false},
		{sdxl.Options{Batch: new(256)}, true}, {sdxl.Options{Batch: new(257)}, false}, {sdxl.Options{Batch: new(0)}, false},
		{sdxl.Options{Seeds: make([]int64, 256)}, true}, {sdxl.Options{Seeds: make([]int64, 257)}, false}, {sdxl.Options{Seeds: []int64{}}, false},
		{sdxl.Options{Seeds: []int64{1, 2}, Batch: new(1)}, false}, {sdxl.Options{Seeds: []int64{1, 2}, Batch: new(2)}, true}, {sdxl.Options{Seeds: []int64{1, 2}, Batch: new(3)}, false},
		{sdxl.Options{Batch: new(2), Index: new(1)}, true}, {sdxl.Options{Batch: new(2), Index: new(2)}, false}, {sdxl.Options{Batch: new(2), Index: new(-1)}, false},
		{sdxl.Options{Width: sdxl.MaxSide, Height: 8}, true}, {sdxl.Options{Width: sdxl.MaxSide + 8, Height: 8}, false},
		{sdxl.Options{OriginalSize: &sdxl.Size{Width: sdxl.MaxSide, Height: 1}}, true}, {sdxl.Options{OriginalSize: &sdxl.Size{Width: sdxl.MaxSide + 1, Height: 1}}, false},
		{sdxl.Options{TargetSize: &sdxl.Size{Width: 1, Height: 0}}, false}, {sdxl.Options{Crop: sdxl.Corner{X: sdxl.MaxSide}}, true}, {sdxl.Options{Crop: sdxl.Corner{X: -1}}, false},
		{sdxl.Options{SAG: 100, Width: 64, Height: 64}, true}, {sdxl.Options{SAG: 100.1, Width: 64, Height: 64}, false},
		{sdxl.Options{Noising: sdxl.Noising{Eta: new(1.0)}}, true}, {sdxl.Options{Noising: sdxl.Noising{Eta: new(1.001)}}, false},
		{sdxl.Options{Noising: sdxl.Noising{SNoise: new(10.0)}}, true}, {sdxl.Options{Noising: sdxl.Noising{SNoise: new(10.01)}}, false},
		{sdxl.Options{Image: gradient(8, 8), Strength: new(1.0)}, true}, {sdxl.Options{Image: gradient(8, 8), Strength: new(1.01)}, false}, {sdxl.Options{Strength: new(0.5)}, false},
		{sdxl.Options{Cache: "deepcache:2:0"}, true}, {sdxl.Options{Cache: "deepcache:1"}, false}, {sdxl.Options{Cache: "first-block:1"}, true}, {sdxl.Options{Cache: "first-block:1.01"}, false},
	} {
		c.o.Prompt = "a"
		err := c.o.Check(m)
		require.Equal(t, c.ok, err == nil, "%+v: %v", c.o, err)
	}
}

// TestSizesOfPicturesRoundDown: a picture to start from gives the size, rounded
// down to what the autoencoder takes, but for what is given.
func TestSizesOfPicturesRoundDown(t *testing.T) {
	pipe := smallest(t)
	for _, c := range []struct{ w, h, width, height, wantW, wantH int }{
		{131, 75, 0, 0, 128, 72}, {64, 64, 0, 0, 64, 64}, {71, 8, 0, 0, 64, 8}, {131, 75, 64, 0, 64, 72}, {131, 75, 0, 80, 128, 80},
	} {
		o := sdxl.Options{Prompt: "a", Image: gradient(c.w, c.h), Width: c.width, Height: c.height, Steps: new(2), Strength: new(1.0)}
		r, err := pipe.Generate(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, image.Rect(0, 0, c.wantW, c.wantH), r.Images[0].Bounds())
		require.Equal(t, [2]int{c.wantW, c.wantH}, [2]int{r.Parameters.Width, r.Parameters.Height})
	}
}
