package demo_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// pixels returns the pixels of a PNG without alpha.
func pixels(t *testing.T, data []byte) []byte {
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	return img.(*image.RGBA).Pix
}

func requirePicture(t *testing.T, want *image.NRGBA, data []byte) {
	t.Helper()
	require.True(t, bytes.Equal(want.Pix, pixels(t, data)), "another picture")
}

func TestPredict(t *testing.T) {
	pipe := pipeline(t)
	q, err := request.Parse([]byte(`{"cfg_scale":7,"height":128,"width":128,"steps":6,"seed":4294967294,"samples":3,"sampler":"euler",
		"text_prompts":[{"text":"a red circle"},{"text":"blue","weight":-0.5}]}`))
	require.NoError(t, err)
	calls := 0
	got, err := request.Predict(context.Background(), pipe, q, request.Options{Progress: func(int, sdxl.Progress) { calls++ }})
	require.NoError(t, err)
	require.Equal(t, 18, calls)
	require.Equal(t, "success", got.Result)
	require.Empty(t, got.Warnings)
	var seeds []int64
	for _, a := range got.Artifacts {
		require.Equal(t, "SUCCESS", a.FinishReason)
		seeds = append(seeds, a.Seed)
		want, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a red circle", Negative: new("blue"), Steps: new(6), CFG: new(7.0), Seed: &a.Seed,
			Sampler: "euler", Width: 128, Height: 128})
		require.NoError(t, err)
		requirePicture(t, want.Images[0], a.PNG)
		p, err := request.DecodeParameters(bytes.NewReader(a.PNG))
		require.NoError(t, err)
		require.Equal(t, want.Parameters, *p)
	}
	require.Equal(t, []int64{4294967294, 4294967295, 1}, seeds)
}

func TestPredictDrawsSeeds(t *testing.T) {
	pipe := pipeline(t)
	for _, seed := range []*int64{nil, new(int64(0))} {
		got, err := request.Predict(context.Background(), pipe, &request.Request{TextPrompts: []request.TextPrompt{{Text: "a star"}}, Steps: new(1), Seed: seed}, request.Options{})
		require.NoError(t, err)
		require.NotZero(t, got.Artifacts[0].Seed)
	}
}

func TestPredictFromPicture(t *testing.T) {
	pipe := pipeline(t)
	ctx := context.Background()
	first, err := request.Predict(ctx, pipe, &request.Request{TextPrompts: []request.TextPrompt{{Text: "a red circle"}}, Steps: new(10), Seed: new(int64(1))}, request.Options{})
	require.NoError(t, err)
	init := first.Artifacts[0].PNG
	img, err := png.Decode(bytes.NewReader(init))
	require.NoError(t, err)
	base := sdxl.Options{Prompt: "a blue square", Steps: new(10), CFG: new(7.0), Seed: new(int64(2)), Image: img}
	for _, c := range []struct {
		strength, skip float64
		q              request.Request
	}{
		{0.65, 0, request.Request{}},
		{0.75, 0, request.Request{ImageStrength: new(0.25)}},
		{0.5, 0.2, request.Request{InitImageMode: "STEP_SCHEDULE", StepScheduleStart: new(0.5), StepScheduleEnd: new(0.2)}},
	} {
		c.q.TextPrompts, c.q.Steps, c.q.Seed, c.q.InitImage = []request.TextPrompt{{Text: base.Prompt}}, base.Steps, base.Seed, init
		steps := 0
		got, err := request.Predict(ctx, pipe, &c.q, request.Options{Progress: func(_ int, p sdxl.Progress) { steps = p.Steps }})
		require.NoError(t, err)
		require.Equal(t, int(10*c.strength)-int(10*c.skip), steps)
		o := base
		o.Strength, o.SkipEnd = &c.strength, c.skip
		want, err := pipe.Generate(ctx, o)
		require.NoError(t, err)
		requirePicture(t, want.Images[0], got.Artifacts[0].PNG)
	}
}

func TestPredictFaults(t *testing.T) {
	pipe := pipeline(t)
	r := request.Request{TextPrompts: []request.TextPrompt{{Text: "x"}}, StylePreset: "nope"}
	_, err := request.Predict(context.Background(), pipe, &r, request.Options{})
	require.ErrorContains(t, err, `style_preset is "nope", want one of 3d-model, `)
	r.StylePreset, r.Width, r.Height = "", new(512), new(512)
	_, err = request.Predict(context.Background(), pipe, &r, request.Options{Limits: request.Limits{Pixels: 512 * 256}})
	require.ErrorContains(t, err, "width times height is 262144 pixels")
	o, err := request.Options{}.Options(t.Context(), pipe.Model(), &r)
	require.NoError(t, err)
	require.Equal(t, []string{"512x512 is far from the 128x128 that this model was trained for"}, o.Warnings(pipe.Model()))
}

// TestPredictFromPhotos: a picture larger than what may be made is taken, and
// made in the model's size; one that is damaged is an error of the request.
func TestPredictFromPhotos(t *testing.T) {
	pipe := pipeline(t)
	var photo bytes.Buffer
	require.NoError(t, jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 3200, 1600)), nil))
	r := request.Request{TextPrompts: []request.TextPrompt{{Text: "x"}}, InitImage: photo.Bytes()}
	o, err := request.Options{}.Options(t.Context(), pipe.Model(), &r)
	require.NoError(t, err)
	require.Equal(t, image.Pt(176, 88), image.Pt(o.Width, o.Height)) // 128x128 in area
	r.Width, r.Height = new(64), new(64)
	o, err = request.Options{}.Options(t.Context(), pipe.Model(), &r)
	require.NoError(t, err)
	require.Equal(t, image.Pt(64, 64), image.Pt(o.Width, o.Height))
	r.InitImage = photo.Bytes()[:photo.Len()/2]
	_, err = request.Options{}.Options(t.Context(), pipe.Model(), &r)
	var fault *request.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "init_image", fault.Violations[0].Field)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = request.Options{}.Options(ctx, pipe.Model(), &r)
	require.ErrorIs(t, err, context.Canceled)
}

// TestEveryStyleMakesAPicture also holds that no two are the same.
func TestEveryStyleMakesAPicture(t *testing.T) {
	pipe := pipeline(t)
	seen := map[string]string{}
	for _, name := range request.DefaultStyles().Names() {
		got, err := request.Predict(context.Background(), pipe, &request.Request{TextPrompts: []request.TextPrompt{{Text: "a red heart"}}, Steps: new(2), Seed: new(int64(5)), StylePreset: name},
			request.Options{})
		require.NoError(t, err, name)
		p := string(pixels(t, got.Artifacts[0].PNG))
		require.Empty(t, seen[p], name)
		seen[p] = name
	}
}
