package infotext

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
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
		bounded.Check(t, len(s), bounded.Text, func() {
			got := Parse(s)
			require.LessOrEqual(t, len(got.Prompt)+len(got.Negative), len(s))
		})
	})
}

// FuzzInfotext writes parameters and reads them again.
func FuzzInfotext(f *testing.F) {
	f.Add("a", "b", "3", "Euler a")
	f.Add("a", "", "4, 5", "x: y \"q\" \\")
	f.Fuzz(func(t *testing.T, positive, negative, steps, sampler string) {
		for _, s := range []string{positive, negative, steps, sampler} {
			if !utf8.ValidString(s) || s != strings.TrimSpace(s) || strings.ContainsFunc(s, unicode.IsControl) {
				return // which is dropped as the web UI drops it
			}
		}
		if steps == "" || sampler == "" {
			return // the web UI drops a field without a value
		}
		if strings.Contains(positive, "Negative prompt:") {
			return // which the form can't tell from its own marks
		}
		want := Infotext{Prompt: positive, Negative: negative, Fields: []Field{{"Steps", steps}, {"Sampler", sampler}, {"Seed", "4"}, {"Size", "8x8"}}}
		bounded.Check(t, len(positive)+len(negative)+len(steps)+len(sampler), bounded.Text, func() { require.Equal(t, want, Parse(want.String())) })
	})
}
