package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

func TestPredictGivesWhatTxt2ImgGives(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.png")
	for body, args := range map[string][]string{
		`{"text_prompts":[{"text":"a red circle","weight":1},{"text":"a blue square","weight":-1}],"steps":6,"seed":42,"sampler":"dpmpp_2m","width":128,"height":64}`: {
			"-p", "a red circle", "-n", "a blue square", "--steps", "6", "--seed", "42", "--cfg", "7", "--sampler", "dpmpp_2m", "--width", "128", "--height", "64"},
		`{"text_prompts":[{"text":"a red circle","weight":0.5}],"cfg_scale":4,"steps":3,"seed":7,
			"extras":{"schedule":"karras","spacing":"trailing","original_size":[256,512],"target_size":[64,64],"crop":[3,5],
			"negative_original_size":[512,512],"negative_target_size":[128,96],"negative_crop":[7,0]}}`: {
			"-p", "a red circle", "--steps", "3", "--seed", "7", "--cfg", "4", "--schedule", "karras", "--spacing", "trailing",
			"--original-size", "256x512", "--target-size", "64x64", "--crop", "3,5",
			"--negative-original-size", "512x512", "--negative-target-size", "128x96", "--negative-crop", "7,0"},
		`{"cfg_scale":7,"height":128,"width":128,"steps":5,"seed":42,"sampler":"dpmpp_2m","text_prompts":[{"text":"a red circle","weight":1},{"text":"a star: big","weight":0.7},
			{"text":"blur","weight":-1}],"style_preset":"photographic"}`: {
			"--weighted", "a red circle:1", "--weighted", "a star: big:0.7", "--weighted", "blur:-1", "--style", "photographic", "--steps", "5", "--seed", "42", "--cfg", "7",
			"--sampler", "dpmpp_2m"},
		`{"text_prompts":[{"text":"a red circle"},{"text":"blur","weight":-1}],"steps":4,"seed":9,"cfg_scale":5,"sampler":"deis","style_preset":"photographic","extras":{"prompt_2":"a star",
			"negative_prompt_2":"","order":2,"cache":"first-block:0.4","guidance":{"rescale":0.3},"pag":{"scale":2,"layers":["mid"]},"sag":0.5,"freeu":{"b1":1.1,"b2":1.2,"s1":0.9,"s2":0.4}}}`: {
			"-p", "a red circle", "-n", "blur", "--prompt-2", "a star", "--negative-2", "", "--steps", "4", "--seed", "9", "--cfg", "5", "--sampler", "deis", "--style", "photographic",
			"--order", "2", "--cache", "first-block:0.4", "--cfg-rescale", "0.3", "--pag-scale", "2", "--pag-layers", "mid", "--sag", "0.5", "--freeu", "1.1,1.2,0.9,0.4"},
	} {
		out, _ := ok(t, body, "predict")
		var response request.Response
		require.NoError(t, json.Unmarshal([]byte(out), &response))
		require.Len(t, response.Artifacts, 1)
		ok(t, "", append([]string{"txt2img", "-o", file}, args...)...)
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, response.Artifacts[0].PNG), body)
	}
}

func TestPredictFaults(t *testing.T) {
	out, _, err := run(t, t.Context(), `{"text_prompts":[{"text":"x"}],"steps":0,"stepps":3}`, "predict")
	require.ErrorContains(t, err, "steps is 0, want 1 to 150")
	require.ErrorContains(t, err, "stepps is unknown")
	require.Empty(t, out)
	for extras, want := range map[string]string{
		`"cache":"deep"`:                   `extras.cache is "deep", want deepcache:INTERVAL`,
		`"cache":"deepcache:2:99"`:         "extras.cache is \"deepcache:2:99\", want a branch of 0 to",
		`"sag":-1`:                         "extras.sag is -1, want 0 to 100",
		`"pag":{"scale":1,"layers":["x"]}`: "extras.pag layers",
		`"freeu":{"b1":1}`:                 "extras.freeu is 1,0,0,0, want b1,b2,s1,s2 above 0",
		`"order":4`:                        "extras.order is 4, want 1 to 3",
	} {
		_, _, err = run(t, t.Context(), `{"text_prompts":[{"text":"x"}],"extras":{`+extras+`}}`, "predict")
		require.ErrorContains(t, err, want)
	}
	_, _, err = run(t, t.Context(), `{"text_prompts":[{"text":"x"},{"text":"y"}],"extras":{"prompt_2":"z"}}`, "predict")
	require.ErrorContains(t, err, "extras.prompt_2 is given beside prompts by weight")
	_, _, err = run(t, t.Context(), `{"text_prompts":[{"text":"x"}],"steps":1,"style_preset":"x"}`, "predict")
	require.ErrorContains(t, err, `style_preset is "x"`)
	for want, args := range map[string][]string{
		"want TEXT:WEIGHT":               {"--weighted", "x"},
		`weight is "y", want a number`:   {"--weighted", "x:y"},
		`no style "x"; there are 3d-mod`: {"-p", "a", "--style", "x"},
		"prompts are given beside":       {"-p", "a", "--weighted", "b:1"},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"txt2img", "-o", filepath.Join(t.TempDir(), "x.png")}, args...)...)
		require.ErrorContains(t, err, want)
	}
	_, _, err = run(t, t.Context(), `{}`, "predict", "--styles", "predict_test.go")
	require.ErrorContains(t, err, "styles")
}

func TestPredictTakesStylesFromAFile(t *testing.T) {
	styles := filepath.Join(t.TempDir(), "styles.json")
	require.NoError(t, os.WriteFile(styles, []byte(`{"mine":{"prompt":"neon sign of {prompt}"}}`), 0o644))
	picture := func(body string, args ...string) sdxl.Options {
		out, _ := ok(t, body, append([]string{"predict"}, args...)...)
		var response request.Response
		require.NoError(t, json.Unmarshal([]byte(out), &response))
		return parameters(t, response.Artifacts[0].PNG)
	}
	p := picture(`{"text_prompts":[{"text":"a star"}],"steps":1,"seed":1,"style_preset":"mine"}`, "--styles", styles)
	require.Equal(t, "neon sign of a star", p.Prompt)
	require.Nil(t, p.Negative)
}
