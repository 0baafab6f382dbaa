package request

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// violations returns the faults of a request's JSON by field.
func violations(t *testing.T, body string) map[string]string {
	t.Helper()
	r, err := Parse([]byte(body))
	if err == nil {
		err = r.Validate(Limits{})
	}
	var e *Error
	require.True(t, errors.As(err, &e), "%s: %v", body, err)
	out := map[string]string{}
	for _, v := range e.Violations {
		require.NotContains(t, out, v.Field, "named twice")
		out[v.Field] = v.Message
	}
	return out
}

func pngOf(t *testing.T, w, h int) []byte {
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, w, h))))
	return b.Bytes()
}

func TestRequestNamesEveryViolation(t *testing.T) {
	got := violations(t, `{"text_prompts":[{"text":"a","weight":"1"},{"text":""},{"txt":"b"}],"height":100,"width":64.5,"cfg_scale":36,"steps":151,
		"seed":4294967296,"samples":0,"sampler":"K_EULERS","clip_guidance_preset":"FAST","image_strength":2,"extras":{"spacing":"x","crop":[1],"schedul":"karras"},"sead":1}`)
	for field, message := range map[string]string{
		"text_prompts[0].weight": `is "1", want a number`,
		"text_prompts[1].text":   "has 0 characters, want 1 to 2000",
		"text_prompts[2].txt":    "is unknown; there are text, weight",
		"text_prompts[2].text":   "has 0 characters, want 1 to 2000",
		"height":                 "is 100, want a multiple of 64",
		"width":                  "is 64.5, want a whole number",
		"cfg_scale":              "is 36, want 0 to 35",
		"steps":                  "is 151, want 1 to 150",
		"seed":                   "is 4294967296, want 0 to 4294967295",
		"samples":                "is 0, want 1 to 10",
		"sampler":                `is "K_EULERS", want a sampler such as euler, `,
		"clip_guidance_preset":   `is "FAST", want one of NONE, FAST_BLUE`,
		"image_strength":         "is 2, want 0 to 1",
		"extras.spacing":         `is "x", want one of leading, linspace, trailing`,
		"extras.crop":            "is [1], want two whole numbers",
		"extras.schedul":         "is unknown; there are prompt_2, negative_prompt_2, ",
		"sead":                   "is unknown; there are text_prompts, ",
	} {
		require.Contains(t, got[field], message, field)
		delete(got, field)
	}
	require.Empty(t, got)
}

func TestRequestRanges(t *testing.T) {
	r := func(more string) string { return `{"text_prompts":[{"text":"x"}]` + more + `}` }
	for body, field := range map[string]string{
		`{}`:                   "text_prompts",
		`{"text_prompts":[]}`:  "text_prompts",
		`{"text_prompts":"x"}`: "text_prompts",
		`{"text_prompts":[{"text":"x","weight":-1},{"text":"y","weight":0}]}`: "text_prompts",
		`{"text_prompts":[{"text":"x","weight":1e9}]}`:                        "text_prompts[0].weight",
		`{"text_prompts":[{"text":"` + strings.Repeat("x", 2001) + `"}]}`:     "text_prompts[0].text",
		r(`,"width":2048,"height":4096`):                                      "width",
		r(`,"width":0`):                                                       "width",
		r(`,"height":-64`):                                                    "height",
		r(`,"cfg_scale":-1`):                                                  "cfg_scale",
		r(`,"cfg_scale":1e999`):                                               "cfg_scale",
		r(`,"steps":0`):                                                       "steps",
		r(`,"seed":-1`):                                                       "seed",
		r(`,"samples":11`):                                                    "samples",
		r(`,"init_image":"AAAA"`):                                             "init_image",
		r(`,"init_image":"not base64"`):                                       "init_image",
		r(`,"init_image_mode":"STEP_SCHEDULE"`):                               "init_image_mode",
		r(`,"step_schedule_start":0.5`):                                       "step_schedule_start",
		r(`,"extras":{"original_size":[0,5]}`):                                "extras.original_size",
		r(`,"extras":{"noise":"white"}`):                                      "extras.noise",
		r(`,"extras":{"guidance":{"method":"magic"}}`):                        "extras.guidance",
		r(`,"extras":{"guidance":{"method":"cfg++"}},"cfg_scale":7`):          "extras.guidance",
		r(`,"extras":{"guidance":{"apg":{"beta":1}}}`):                        "extras.guidance.apg.beta",
		r(`,"extras":7`):                                                      "extras",
		r(`,"text_prompts":3`) /* the last one counts */ :                     "text_prompts",
	} {
		require.Contains(t, violations(t, body), field, body)
	}
	for _, body := range []string{r(``), r(`,"steps":1`), r(`,"steps":150,"samples":10,"seed":4294967295,"cfg_scale":35,"width":64,"height":128`),
		r(`,"cfg_scale":0,"seed":0,"clip_guidance_preset":"SLOWEST","sampler":null`), r(`,"extras":{"schedule":"karras","noise":"brownian","crop":[0,16]}`),
		r(`,"extras":{"guidance":{"method":"cfg++"}}`), r(`,"extras":{"guidance":{"method":"apg","apg":{"norm":4},"interval":[0.1,0.9]}}`)} {
		request, err := Parse([]byte(body))
		require.NoError(t, err, body)
		require.NoError(t, request.Validate(Limits{}), body)
	}
}

func TestRequestFromGo(t *testing.T) {
	r := Request{TextPrompts: []TextPrompt{{Text: "x", Weight: new(math.NaN())}}, CFGScale: new(math.NaN()), Steps: new(40), Samples: new(3)}
	err := r.Validate(Limits{Steps: 20, Samples: 2})
	for _, want := range []string{"text_prompts[0].weight is NaN", "cfg_scale is NaN", "steps is 40, want 1 to 20", "samples is 3, want 1 to 2"} {
		require.ErrorContains(t, err, want)
	}
}

func TestInitImageFields(t *testing.T) {
	r := Request{TextPrompts: []TextPrompt{{Text: "x"}}, InitImage: pngOf(t, 64, 64)}
	require.NoError(t, r.Validate(Limits{}))
	strength, _ := r.strength()
	require.InDelta(t, 0.65, strength, 1e-12)
	r.ImageStrength = new(0.9)
	strength, _ = r.strength()
	require.InDelta(t, 0.1, strength, 1e-12)
	r.StepScheduleStart = new(0.5)
	require.ErrorContains(t, r.Validate(Limits{}), "step_schedule_start is given, want image_strength")
	r.InitImageMode = "STEP_SCHEDULE"
	require.ErrorContains(t, r.Validate(Limits{}), "image_strength is given, want step_schedule_start")
	r.ImageStrength, r.StepScheduleEnd = nil, new(0.5)
	require.ErrorContains(t, r.Validate(Limits{}), "step_schedule_end is 0.5, which leaves none of the 15 steps")
	r.StepScheduleEnd = new(0.4)
	require.NoError(t, r.Validate(Limits{}))
	r.StepScheduleStart = new(0.01)
	require.ErrorContains(t, r.Validate(Limits{}), "step_schedule_start leaves none of 30 steps")
	r = Request{TextPrompts: []TextPrompt{{Text: "x"}}, InitImage: pngOf(t, 65, 64)}
	require.NoError(t, r.Validate(Limits{Pixels: 64 * 64}))    // it is resized
	copy(r.InitImage[16:], "\x00\x00\x40\x00\x00\x00\x0d\x01") // 16384x3329, in the header
	require.ErrorContains(t, r.Validate(Limits{}), "init_image is a PNG that can't be read: its size is 16384x3329, want at most 54525952 pixels")
	r.InitImage = r.InitImage[:20]
	require.ErrorContains(t, r.Validate(Limits{}), "init_image is a PNG that can't be read")
}
