package demo_test

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

// TestWeightedPromptsWalk goes from one picture to another by the weights of
// their prompts.
func TestWeightedPromptsWalk(t *testing.T) {
	const a, b = "a red circle", "a blue square"
	pipe := pipeline(t)
	draw := func(o sdxl.Options) *image.NRGBA {
		o.Steps, o.Seed, o.CFG = new(8), new(int64(3)), new(4.0)
		r, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		return r.Images[0]
	}
	blend := func(wa, wb float64) *image.NRGBA {
		return draw(sdxl.Options{Prompts: []sdxl.WeightedPrompt{{Text: a, Weight: wa}, {Text: b, Weight: wb}}})
	}
	first, second := draw(sdxl.Options{Prompt: a}), draw(sdxl.Options{Prompt: b})
	require.Equal(t, first.Pix, blend(1, 0).Pix)
	require.Equal(t, second.Pix, blend(0, 1).Pix)
	require.Equal(t, first.Pix, blend(0.25, 0).Pix, "only ratios matter")
	half := blend(0.5, 0.5)
	require.NotEqual(t, first.Pix, half.Pix)
	require.NotEqual(t, second.Pix, half.Pix)
	require.Equal(t, half.Pix, blend(2, 2).Pix)

	negative := b
	require.Equal(t, draw(sdxl.Options{Prompt: a, Negative: &negative}).Pix, blend(1, -1).Pix)
}

func TestWeightedPromptsFaults(t *testing.T) {
	_, err := pipeline(t).Generate(context.Background(), sdxl.Options{Prompt: "x", Prompts: []sdxl.WeightedPrompt{{Text: "y", Weight: -1}}})
	require.ErrorContains(t, err, "prompts are given beside a prompt")
	require.ErrorContains(t, err, "prompts have no text of a weight above 0")
}
