package infotext

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAsTheWebUI holds Parse to the web UI's rule.
func TestAsTheWebUI(t *testing.T) {
	data, err := os.ReadFile("testdata/infotexts.json")
	require.NoError(t, err)
	var cases []struct {
		Text, Prompt, Negative string
		Fields                 map[string]string
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.GreaterOrEqual(t, len(cases), 50)
	for _, c := range cases {
		got := Parse(c.Text)
		require.Equal(t, c.Prompt, got.Prompt, "%q", c.Text)
		require.Equal(t, c.Negative, got.Negative, "%q", c.Text)
		fields := map[string]string{}
		for _, f := range got.Fields {
			fields[f.Name] = got.Value(f.Name)
		}
		require.Equal(t, c.Fields, fields, "%q", c.Text)
	}
}

func TestInfotextSurvives(t *testing.T) {
	fields := []Field{{"Steps", "20"}, {"Sampler", "Euler a"}, {"Size", "128x64"}, {"Note", `a, "b": <c>`}}
	for _, want := range []Infotext{
		{Prompt: "a cat", Fields: fields},
		{Prompt: "a cat\nin two lines", Negative: "a dog\n\nfar away", Fields: fields},
		{Prompt: "", Negative: "x", Fields: fields},
		{Prompt: "猫, (very:1.2) nice", Fields: fields},
	} {
		require.Equal(t, want, Parse(want.String()), want.String())
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a\nNegative prompt: b\nSteps: 20, Sampler: \"Euler, a\", Seed: 4")
	f.Fuzz(func(t *testing.T, s string) {
		got := Parse(s)
		require.LessOrEqual(t, len(got.Prompt)+len(got.Negative), len(s))
	})
}
