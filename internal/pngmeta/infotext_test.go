package pngmeta

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInfotextSurvives(t *testing.T) {
	fields := []Field{{"Steps", "20"}, {"Sampler", "Euler a"}, {"Size", "128x64"}, {"Note", `a, "b": c`}}
	for _, want := range []Infotext{
		{Prompt: "a cat", Fields: fields},
		{Prompt: "a cat\nin two lines", Negative: "a dog\n\nfar away", Fields: fields},
		{Prompt: "", Negative: "x", Fields: fields},
		{Prompt: "猫, (very:1.2) nice", Fields: fields},
	} {
		require.Equal(t, want, ParseInfotext(want.String()), want.String())
	}
}

// TestInfotextOfTheWebUI reads what AUTOMATIC1111's web UI writes.
func TestInfotextOfTheWebUI(t *testing.T) {
	got := ParseInfotext("masterpiece, <lora:x:0.5> cat\nNegative prompt: EasyNegative, bad hands\n" +
		`Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 3217213893, Size: 832x1216, Model hash: e6bb9ea85b, Lora hashes: "x: 12ab, y: 34cd", Version: v1.6.0`)
	require.Equal(t, "masterpiece, <lora:x:0.5> cat", got.Prompt)
	require.Equal(t, "EasyNegative, bad hands", got.Negative)
	require.Len(t, got.Fields, 8)
	require.Equal(t, Field{"Seed", "3217213893"}, got.Fields[3])
	require.Equal(t, Field{"Lora hashes", "x: 12ab, y: 34cd"}, got.Fields[6])
}

func TestInfotextWithoutFields(t *testing.T) {
	require.Equal(t, Infotext{Prompt: "just: a prompt"}, ParseInfotext("just: a prompt"))
	require.Equal(t, Infotext{}, ParseInfotext(""))
}
