package quality

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"image"
	"slices"
	"sync"
)

// styleJudge is a network of one hidden layer over styleFeatures, which
// sdxl/demo/train/style_judge.py has trained on renders: no picture of a model
// was among them.
type styleJudge struct {
	Styles      []string
	Mean, Scale []float64
	W1          [][]float64 // [features][hidden]
	B1          []float64
	W2          [][]float64 // [hidden][styles]
	B2          []float64
}

//go:embed styles.json
var stylesJSON []byte

var theStyleJudge = sync.OnceValue(func() *styleJudge {
	var j styleJudge
	if err := json.Unmarshal(stylesJSON, &j); err != nil {
		panic("quality: styles.json: " + err.Error()) // embedded; the tests read it
	}
	return &j
})

// Styles returns the names that StyleOf gives: flat, watercolor, sketch, and
// those of the 17 style presets.
func Styles() []string { return slices.Clone(theStyleJudge().Styles) }

// StyleOf names the style of a picture of 128 x 128 pixels.
func StyleOf(img *image.NRGBA) (string, error) {
	if b := img.Bounds(); b.Dx() != side || b.Dy() != side {
		return "", fmt.Errorf("the style judge reads pictures of %d x %d pixels, this one has %d x %d", side, side, b.Dx(), b.Dy())
	}
	j := theStyleJudge()
	scores := j.scores(styleFeatures(pixelsOf(img)))
	return j.Styles[slices.Index(scores, slices.Max(scores))], nil
}

func (j *styleJudge) scores(features []float64) []float64 {
	x := make([]float64, len(features))
	for i, v := range features {
		x[i] = min(max((v-j.Mean[i])*j.Scale[i], -4), 4)
	}
	hidden := product(x, j.W1, j.B1)
	for i, v := range hidden {
		hidden[i] = max(v, 0)
	}
	return product(hidden, j.W2, j.B2)
}

// product is x times w, plus b.
func product(x []float64, w [][]float64, b []float64) []float64 {
	out := slices.Clone(b)
	for i, v := range x {
		for k, weight := range w[i] {
			out[k] += v * weight
		}
	}
	return out
}
