package demo_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

// TestStrengthByDialect: how many of six steps each program runs from a picture.
func TestStrengthByDialect(t *testing.T) {
	pipe := pipeline(t)
	first, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a blue square", Steps: new(4), Seed: new(int64(1))})
	require.NoError(t, err)
	for dialect, want := range map[string]int{"diffusers": 3, "k-diffusion": 3, "a1111": 4, "comfy": 6} {
		ran := 0
		r, err := pipe.Generate(context.Background(), sdxl.Options{
			Prompt: "a red circle", Image: first.Images[0], Strength: new(0.5), Steps: new(6), Seed: new(int64(1)), Sampler: "euler", Schedule: "karras", Dialect: dialect,
			Progress: func(p sdxl.Progress) {
				ran++
				require.Equal(t, want, p.Steps, dialect)
			},
		})
		require.NoError(t, err)
		require.Equal(t, want, ran, dialect)
		require.Equal(t, 6, *r.Parameters.Steps, "as asked for")
	}
	_, err = pipe.Generate(context.Background(), sdxl.Options{Prompt: "x", Image: first.Images[0], Strength: new(0.001), Steps: new(6), Dialect: "comfy"})
	require.ErrorContains(t, err, "6 steps at strength 0.001 are the last of 6000")
}
