package request_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// TestBoundsOfFields: each field at its ends, and one past them.
func TestBoundsOfFields(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 64, 64))))
	start := fmt.Sprintf(`,"init_image":%q`, base64.StdEncoding.EncodeToString(b.Bytes()))
	field := func(more string) string { return `{"text_prompts":[{"text":"x"}]` + more + `}` }
	long := func(n int) string { return strings.Repeat("é", n) }
	prompts := func(n int) string {
		return `{"text_prompts":[` + strings.TrimSuffix(strings.Repeat(`{"text":"x"},`, n), ",") + `]}`
	}
	weight := func(w string) string {
		return `{"text_prompts":[{"text":"x"},{"text":"y","weight":` + w + `}]}`
	}
	for body, want := range map[string][]string{
		field(`,"cfg_scale":0`): nil, field(`,"cfg_scale":-0.001`): {"cfg_scale"}, field(`,"cfg_scale":35`): nil, field(`,"cfg_scale":35.001`): {"cfg_scale"},
		field(`,"steps":1`): nil, field(`,"steps":0`): {"steps"}, field(`,"samples":1`): nil, field(`,"samples":0`): {"samples"},
		field(`,"seed":0`): nil, field(`,"seed":-1`): {"seed"}, field(`,"seed":4294967295`): nil, field(`,"seed":4294967296`): {"seed"},
		field(`,"width":64`): nil, field(`,"width":0`): {"width"}, field(`,"width":63`): {"width"}, field(`,"width":96`): {"width"}, field(`,"height":64`): nil, field(`,"height":-64`): {"height"},
		field(fmt.Sprintf(`,"width":%d`, sdxl.MaxSide/64*64)): nil, field(fmt.Sprintf(`,"width":%d`, sdxl.MaxSide/64*64+64)): {"width"},
		weight("100"): nil, weight("100.1"): {"text_prompts[1].weight"}, weight("-100"): nil, weight("-100.1"): {"text_prompts[1].weight"}, weight("0"): nil,
		prompts(0): {"text_prompts"}, prompts(32): nil, prompts(33): {"text_prompts"},
		`{"text_prompts":[{"text":"x","weight":0}]}`: {"text_prompts"}, `{"text_prompts":[{"text":"x","weight":0.001}]}`: nil,
		`{"text_prompts":[{"text":"` + long(2000) + `"}]}`: nil, `{"text_prompts":[{"text":"` + long(2001) + `"}]}`: {"text_prompts[0].text"}, `{"text_prompts":[{"text":""}]}`: {"text_prompts[0].text"},
		field(`,"extras":{"prompt_2":"` + long(2000) + `"}`): nil, field(`,"extras":{"prompt_2":"` + long(2001) + `"}`): {"extras.prompt_2"},
		field(`,"extras":{"negative_prompt_2":"` + long(2001) + `"}`):                {"extras.negative_prompt_2"},
		field(start + `,"image_strength":0`):                                         nil, // all steps run
		field(start + `,"image_strength":-0.001`):                                    {"image_strength"},
		field(start + `,"image_strength":1`):                                         {"image_strength"}, // none do
		field(start + `,"image_strength":1.001`):                                     {"image_strength"},
		field(start + `,"step_schedule_start":1`):                                    nil,
		field(start + `,"step_schedule_start":1.001`):                                {"step_schedule_start"},
		field(start + `,"step_schedule_start":0`):                                    {"step_schedule_start"},
		field(start + `,"step_schedule_end":0`):                                      nil,
		field(start + `,"step_schedule_end":-0.001`):                                 {"step_schedule_end"},
		field(start + `,"step_schedule_end":1`):                                      {"step_schedule_end"},
		field(start + `,"step_schedule_start":1,"step_schedule_end":0.9`):            nil,
		field(`,"image_strength":0.5`):                                               {"image_strength"},
		field(`,"step_schedule_start":0.5`):                                          {"step_schedule_start"},
		field(`,"step_schedule_end":0.5`):                                            {"step_schedule_end"},
		field(`,"init_image_mode":"IMAGE_STRENGTH"`):                                 {"init_image_mode"},
		field(start + `,"init_image_mode":"IMAGE_STRENGTH","step_schedule_end":0.1`): {"step_schedule_end"},
		field(start + `,"init_image_mode":"STEP_SCHEDULE","image_strength":0.5`):     {"image_strength"},
		field(start + `,"image_strength":0.5,"step_schedule_start":0.5`):             {"step_schedule_start"},
	} {
		require.Equal(t, want, violated(t, body, request.Limits{}), "%.100s", body)
	}
}

// TestParametersOfPictures: what a file is written with is read again, and a file
// of another program has none.
func TestParametersOfPictures(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	o := sdxl.Options{Prompt: "a", Negative: new("b"), Seed: new(int64(3)), Steps: new(4), Width: 64, Height: 64, SAG: 0.5, ClipSkip: 2}
	var b bytes.Buffer
	require.NoError(t, request.EncodePNG(&b, img, o))
	got, err := request.DecodeParameters(&b)
	require.NoError(t, err)
	require.Equal(t, &o, got)
	b.Reset()
	require.NoError(t, png.Encode(&b, img))
	_, err = request.DecodeParameters(&b)
	require.ErrorIs(t, err, request.ErrNoParameters)
	_, err = request.DecodeParameters(strings.NewReader("no picture"))
	require.Error(t, err)
}

// TestOlderParameters: what earlier versions wrote under other names is read.
func TestOlderParameters(t *testing.T) {
	read := func(text string) *sdxl.Options {
		var b bytes.Buffer
		require.NoError(t, imagefile.EncodePNG(&b, image.NewNRGBA(image.Rect(0, 0, 1, 1)), []imagefile.Text{{Keyword: "other", Text: "{"}, {Keyword: request.ParametersKey, Text: text}}))
		o, err := request.DecodeParameters(&b)
		require.NoError(t, err, text)
		return o
	}
	o := read(`{"noising":{"eta":0.5,"churn":{"amount":3}}}`)
	require.InDelta(t, 0.5, *o.Eta, 0)
	require.NotNil(t, o.Churn)
	require.InDelta(t, 0.25, *read(`{"eta":0.25}`).Eta, 0)
	o = read(`{"seeds":[1,2],"seed":1,"batch":2}`)
	require.Nil(t, o.Seed)
	require.Nil(t, o.Batch)
	o = read(`{"seeds":[1,2],"seed":1,"batch":2,"index":1}`)
	require.NotNil(t, o.Seed)
	require.NotNil(t, o.Batch)
	require.Nil(t, read(`{"sigmas":[2,0],"steps":1}`).Steps)
	require.NotNil(t, read(`{"steps":1}`).Steps)
}

// TestOptionsOfRequests: fields become options, the style's name is known, and a request whose
// client has left decodes no picture.
func TestOptionsOfRequests(t *testing.T) {
	require.Equal(t, 512<<20, request.DefaultPictureMemory)
	m, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 128, 64))))
	r := &request.Request{TextPrompts: []request.TextPrompt{{Text: "a"}, {Text: "b", Weight: new(-1.0)}}, InitImage: b.Bytes(), Steps: new(8), CFGScale: new(2.0), Seed: new(int64(5)), Sampler: "euler"}
	o, err := request.Options{}.Options(t.Context(), m, r)
	require.NoError(t, err)
	require.Equal(t, []any{"a", "b", 8, 2.0, int64(5), "euler"}, []any{o.Prompt, *o.Negative, *o.Steps, *o.CFG, *o.Seed, o.Sampler})
	require.InDelta(t, 0.65, *o.Strength, 1e-12)
	require.Equal(t, image.Pt(128, 64), o.Image.Bounds().Size())
	require.Equal(t, [2]int{}, [2]int{o.Width, o.Height}, "the picture's")
	o, err = request.Options{Limits: request.Limits{Pixels: 128 * 64}}.Options(t.Context(), m, r)
	require.NoError(t, err)
	require.Equal(t, [2]int{}, [2]int{o.Width, o.Height}, "as large as it may be")
	o, err = request.Options{Limits: request.Limits{Pixels: 64 * 64}}.Options(t.Context(), m, r)
	require.NoError(t, err)
	require.Positive(t, o.Width*o.Height)
	require.LessOrEqual(t, o.Width*o.Height, 64*64)
	require.Greater(t, o.Width, o.Height)
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err = request.Options{}.Options(gone, m, r)
	require.ErrorIs(t, err, context.Canceled)
	r.StylePreset, r.Seed = "3D Model", nil
	o, err = request.Options{}.Options(t.Context(), m, r)
	require.NoError(t, err)
	require.NotEqual(t, "a", o.Prompt)
	require.Positive(t, *o.Seed, "drawn")
	r.StylePreset = "no such"
	var fault *request.Error
	require.ErrorAs(t, request.Options{}.Check(r), &fault)
	require.Equal(t, "style_preset", fault.Violations[0].Field)
	r.StylePreset = ""
	require.NoError(t, request.Options{}.Check(r))
}

// TestInfotextOfFields: each parameter that the web UI's form can say has its place.
func TestInfotextOfFields(t *testing.T) {
	o := sdxl.Options{Steps: new(4), Sampler: "euler_a", Schedule: "karras", CFG: new(6.5), Seed: new(int64(9)), Width: 64, Height: 128, Strength: new(0.25),
		Prompts: []sdxl.WeightedPrompt{{Text: "a", Weight: 1}, {Text: "b", Weight: 0.5}, {Text: "c", Weight: -1}, {Text: "d", Weight: -2}}}
	o.ENSD = 31337
	text := request.Infotext(&o)
	for _, part := range []string{"(a:1), (b:0.5)\n", "Negative prompt: (c:1), (d:2)\n", "Steps: 4", "Sampler: Euler a", "Schedule type: Karras", "CFG scale: 6.5", "Seed: 9", "Size: 64x128",
		"Denoising strength: 0.25", "ENSD: 31337", "Version: easel"} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "Batch")
	o.Batch, o.Index = new(3), new(1)
	require.Contains(t, request.Infotext(&o), "Batch size: 3, Batch pos: 1")
	o.Seeds, o.Index = []int64{5, 6}, new(0)
	require.Contains(t, request.Infotext(&o), "Seed: 5")
	require.Contains(t, request.Infotext(&o), "Batch size: 2, Batch pos: 0")
	o.Index = new(1)
	require.Contains(t, request.Infotext(&o), "Seed: 6")
	o.Index = new(9)
	require.Contains(t, request.Infotext(&o), "Seed: 6")
	require.Contains(t, request.Infotext(&sdxl.Options{Sigmas: []float64{3, 2, 0}}), "Steps: 2")
}

// TestSamples: each has the seed after the one before, and 0, which draws one, is passed over.
func TestSamples(t *testing.T) {
	m, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{})
	defer b.Close()
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	r := &request.Request{TextPrompts: []request.TextPrompt{{Text: "a"}}, Steps: new(1), CFGScale: new(1.0), Width: new(64), Height: new(64), Samples: new(2), Seed: new(int64(1<<32 - 1))}
	var told []int
	got, err := request.Predict(t.Context(), pipe, r, request.Options{Progress: func(sample int, p sdxl.Progress) { told = append(told, sample) }})
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, told)
	require.Equal(t, "success", got.Result)
	require.Equal(t, []int64{1<<32 - 1, 1}, []int64{got.Artifacts[0].Seed, got.Artifacts[1].Seed})
	require.Equal(t, "SUCCESS", got.Artifacts[1].FinishReason)
	r.Samples, r.Seed = nil, new(int64(1))
	alone, err := request.Predict(t.Context(), pipe, r, request.Options{})
	require.NoError(t, err)
	require.Equal(t, got.Artifacts[1:], alone.Artifacts)
	r.CFGScale = new(7.0)
	_, err = request.Predict(t.Context(), pipe, r, request.Options{Limits: request.Limits{Calls: 2}})
	require.NoError(t, err)
	var fault *request.Error
	_, err = request.Predict(t.Context(), pipe, r, request.Options{Limits: request.Limits{Calls: 1}})
	require.ErrorAs(t, err, &fault)
	require.Equal(t, "steps", fault.Violations[0].Field)
}
