package demo_test

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

// TestPromptEditing: what a prompt changes to at the first or after the last
// step makes the picture of that prompt alone.
func TestPromptEditing(t *testing.T) {
	pipe := pipeline(t)
	draw := func(prompt string) []uint8 {
		r, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: prompt, PromptSyntax: "a1111", Steps: new(8), Seed: new(int64(3)), CFG: new(4.0)})
		require.NoError(t, err)
		return r.Images[0].Pix
	}
	a, b := draw("a red circle"), draw("a blue square")
	require.Equal(t, b, draw("[a red circle:a blue square:0]"))
	require.Equal(t, a, draw("[a red circle:a blue square:1.0]"))
	half := draw("[a red circle:a blue square:0.5]")
	require.NotEqual(t, a, half)
	require.NotEqual(t, b, half)
	require.Equal(t, a, draw("[a red circle|a red circle]"))
	turns := draw("[a red circle|a blue square]")
	require.NotEqual(t, a, turns)
	require.NotEqual(t, b, turns)
	require.Equal(t, a, draw("a red circle AND a blue square:0"))
}

// TestEmphasisColours: the more weight a colour has, the more of it is in the picture.
func TestEmphasisColours(t *testing.T) {
	pipe := pipeline(t)
	for _, syntax := range []string{"a1111", "comfy"} {
		redness := func(prompt string) (sum int) {
			for seed := range int64(4) {
				r, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: prompt, PromptSyntax: syntax, Steps: new(8), Seed: &seed, CFG: new(4.0)})
				require.NoError(t, err)
				sum += redOver(r.Images[0])
			}
			return sum
		}
		weak, strong := redness("a (red:0.2) circle on a white background"), redness("a (red:1.3) circle on a white background")
		t.Log(syntax, weak, strong)
		require.Greater(t, strong, weak*5/4, syntax)
	}
}

// redOver sums how much redder than green and blue the pixels are.
func redOver(img *image.NRGBA) (sum int) {
	for i := 0; i < len(img.Pix); i += 4 {
		sum += max(0, int(img.Pix[i])-max(int(img.Pix[i+1]), int(img.Pix[i+2])))
	}
	return sum
}
