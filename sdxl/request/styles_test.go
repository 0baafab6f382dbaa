package request

import (
	"strings"
	"testing"

	"github.com/df65613c/easel/sdxl"
	"github.com/stretchr/testify/require"
)

func TestDefaultStylesAreThoseOfTheAPI(t *testing.T) {
	require.Equal(t, strings.Fields("3d-model analog-film anime cinematic comic-book digital-art enhance fantasy-art isometric line-art low-poly "+
		"modeling-compound neon-punk origami photographic pixel-art tile-texture"), DefaultStyles().Names())
}

func TestApplyStyle(t *testing.T) {
	s := Styles{"s": {Prompt: "art of {prompt}, nice", Negative: "noise"}, "bare": {Prompt: "{prompt}!"}}
	o := sdxl.Options{Prompt: "a cat"}
	require.NoError(t, s.Apply(&o, "s"))
	require.Equal(t, sdxl.Options{Prompt: "art of a cat, nice", Negative: new("noise")}, o)
	o = sdxl.Options{Prompt: "a {prompt}", Negative: new("dog")}
	require.NoError(t, s.Apply(&o, "s"))
	require.Equal(t, sdxl.Options{Prompt: "art of a {prompt}, nice", Negative: new("dog, noise")}, o)
	o = sdxl.Options{Prompt: "a cat"}
	require.NoError(t, s.Apply(&o, "bare"))
	require.Equal(t, sdxl.Options{Prompt: "a cat!"}, o, "no negative prompt of its own, none added")

	given := []sdxl.WeightedPrompt{{Text: "a", Weight: 1}, {Text: "b", Weight: 0.5}, {Text: "off", Weight: 0}}
	o = sdxl.Options{Prompts: given}
	require.NoError(t, s.Apply(&o, "s"))
	require.Equal(t, []sdxl.WeightedPrompt{{Text: "art of a, nice", Weight: 1}, {Text: "art of b, nice", Weight: 0.5}, {Text: "off", Weight: 0}, {Text: "noise", Weight: -1}}, o.Prompts)
	require.Equal(t, "a", given[0].Text, "the caller's prompts are as they were")
	o = sdxl.Options{Prompts: []sdxl.WeightedPrompt{{Text: "a", Weight: 1}, {Text: "c", Weight: -2}}}
	require.NoError(t, s.Apply(&o, "s"))
	require.Equal(t, []sdxl.WeightedPrompt{{Text: "art of a, nice", Weight: 1}, {Text: "c, noise", Weight: -2}}, o.Prompts)
	for name, want := range map[string]string{"3d-mode": "3d-model", "3D Model": "3d-model", "Comic Book": "comic-book", "PIXEL_ART": "pixel-art", "anime": "anime"} {
		o, same := sdxl.Options{Prompt: "a"}, sdxl.Options{Prompt: "a"}
		require.NoError(t, DefaultStyles().Apply(&o, name))
		require.NoError(t, DefaultStyles().Apply(&same, want))
		require.Equal(t, same, o, name)
	}
	require.ErrorContains(t, s.Apply(&o, "t"), `no style "t"; there are bare, s`)
}

func TestReadStylesFaults(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":{"prompt":"no slot"}}`:            `prompt of "a" is "no slot", want {prompt} in it once`,
		`{"a":{"prompt":"{prompt} {prompt}"}}`:  "once",
		`{"a":{"prompt":"{prompt}","neg":"x"}}`: `unknown field "neg"`,
		`[]`:                                    "cannot unmarshal",
	} {
		_, err := ReadStyles(strings.NewReader(body))
		require.ErrorContains(t, err, want, body)
	}
}
