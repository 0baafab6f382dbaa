package demo_test

import (
	"context"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/quality"
	"github.com/df65613c/easel/sdxl"
)

// Numbers in the judge's palette.
const (
	red  = 0
	blue = 2
)

// drawn counts the things in the pictures of several seeds.
type drawn struct{ redCircles, blueSquares int }

// draw makes pictures of seeds and says what the judge reads in them.
func draw(t *testing.T, pipe *sdxl.Pipeline, o sdxl.Options) (d drawn) {
	o.Sampler, o.Schedule, o.Steps = "dpmpp_2m", "karras", new(10)
	for seed := range int64(8) {
		o.Seed = &seed
		r, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		for _, thing := range quality.Read(r.Images[0]) {
			switch {
			case thing.Shape == "circle" && thing.Color == red:
				d.redCircles++
			case thing.Shape == "square" && thing.Color == blue:
				d.blueSquares++
			}
		}
	}
	t.Logf("%+v", d)
	return d
}

// What follows holds the options of a request to what they do to a picture, on
// the score of the judge.

func TestGuidanceRaisesTheScore(t *testing.T) {
	pipe := pipeline(t)
	all, err := quality.Scenes()
	require.NoError(t, err)
	var scenes []quality.Scene
	for i, s := range all {
		if i%2 == 0 && (s.Kind == "three" || s.Kind == "inside") {
			scenes = append(scenes, s)
		}
	}
	right := func(cfg float64) (n int) {
		for i, s := range scenes {
			r, err := pipe.Generate(context.Background(), sdxl.Options{
				Prompt: s.Caption, CFG: &cfg, Seed: new(int64(i)), Sampler: "dpmpp_2m", Schedule: "karras", Steps: new(10),
			})
			require.NoError(t, err)
			if s.Judge(r.Images[0]).Right {
				n++
			}
		}
		t.Logf("cfg %g: %d of %d right", cfg, n, len(scenes))
		return n
	}
	require.Greater(t, right(3), right(1)+2)
}

// A circle of no given colour takes one away from that of the negative prompt.
func TestNegativePromptTakesAway(t *testing.T) {
	pipe, o := pipeline(t), sdxl.Options{Prompt: "a circle", CFG: new(5.0), Steps: new(10)}
	redness := func(negative *string) (sum float64) {
		o.Negative = negative
		for seed := range int64(8) {
			o.Seed = &seed
			r, err := pipe.Generate(context.Background(), o)
			require.NoError(t, err)
			c := r.Images[0].NRGBAAt(64, 64)
			sum += float64(c.R) - (float64(c.G)+float64(c.B))/2
		}
		t.Log(sum / 8)
		return sum / 8
	}
	plain := redness(nil)
	require.Less(t, redness(new("a red circle")), plain-20)
	require.Greater(t, redness(new("a blue circle")), plain+20)
}

func TestWeightsShiftTheScore(t *testing.T) {
	pipe := pipeline(t)
	weighted := func(circle, square float64) drawn {
		return draw(t, pipe, sdxl.Options{CFG: new(5.0), Prompts: []sdxl.WeightedPrompt{{Text: "a red circle", Weight: circle}, {Text: "a blue square", Weight: square}}})
	}
	more, less := weighted(1, 0.25), weighted(0.25, 1)
	require.Greater(t, more.redCircles, less.redCircles)
	require.Less(t, more.blueSquares, less.blueSquares)
}

func TestStrengthLeavesThePicture(t *testing.T) {
	pipe := pipeline(t)
	r, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a red circle", Seed: new(int64(1))})
	require.NoError(t, err)
	var from image.Image = r.Images[0]
	at := func(strength float64) drawn {
		return draw(t, pipe, sdxl.Options{Prompt: "a blue square", CFG: new(5.0), Image: from, Strength: &strength})
	}
	near, far := at(0.1), at(0.95)
	require.Greater(t, near.redCircles, far.redCircles)
	require.Less(t, near.blueSquares, far.blueSquares)
}
