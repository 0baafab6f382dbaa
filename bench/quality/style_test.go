package quality

import (
	"context"
	"encoding/json"
	"image"
	"image/draw"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/stretchr/testify/require"
)

// TestStyleJudgeAgreesWithTheRecipe reads a render of each style as the judge
// in sdxl/demo/train/style_judge.py did. None was in its training.
func TestStyleJudgeAgreesWithTheRecipe(t *testing.T) {
	f, err := os.Open("testdata/styles.png")
	require.NoError(t, err)
	defer f.Close()
	sheet, err := png.Decode(f)
	require.NoError(t, err)
	data, err := os.ReadFile("testdata/styles.json")
	require.NoError(t, err)
	var want []struct {
		Style, Judged string
		Scores        []float64
	}
	require.NoError(t, json.Unmarshal(data, &want))
	require.Len(t, want, len(Styles()))
	right := 0
	for i, w := range want {
		img := image.NewNRGBA(image.Rect(0, 0, side, side))
		draw.Draw(img, img.Bounds(), sheet, image.Pt(i%5*side, i/5*side), draw.Src)
		require.InDeltaSlice(t, w.Scores, theStyleJudge().scores(styleFeatures(pixelsOf(img))), 1e-5, w.Style)
		got, err := StyleOf(img)
		require.NoError(t, err)
		require.Equal(t, w.Judged, got, w.Style)
		if got == w.Style {
			right++
		}
	}
	require.GreaterOrEqual(t, right, 17, "of %d", len(want))
}

func TestStyleJudgeWantsItsSize(t *testing.T) {
	_, err := StyleOf(image.NewNRGBA(image.Rect(0, 0, 96, 160)))
	require.ErrorContains(t, err, "96 x 160")
}

// TestPresetScenes holds the scenes and the judge to the presets of the program.
func TestPresetScenes(t *testing.T) {
	scenes, err := PresetScenes()
	require.NoError(t, err)
	count := map[string]int{}
	for _, s := range scenes {
		require.Len(t, s.Objects, 1, s.Caption)
		count[s.Style]++
	}
	names := request.DefaultStyles().Names()
	require.Len(t, count, len(names))
	for _, name := range names {
		require.Equal(t, 10, count[name], name)
		require.Contains(t, Styles(), name)
	}
}

func TestRunStylesCounts(t *testing.T) {
	scenes := []Scene{{Caption: "a red square", Style: "cinematic"}, {Caption: "a blue square", Style: "cinematic"}}
	paint := func(_ context.Context, s Scene, seed int64) (*image.NRGBA, error) {
		img := image.NewNRGBA(image.Rect(0, 0, side, side))
		draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
		return img, nil
	}
	calls := 0
	tallies, err := RunStyles(context.Background(), scenes, paint, func(done, total int) { calls++; require.Equal(t, 2, total) })
	require.NoError(t, err)
	require.Equal(t, 2, calls)
	require.Len(t, tallies, 1)
	require.Equal(t, 2, tallies[0].Asked)
	require.Zero(t, tallies[0].Named["cinematic"], "a white picture")
	var table strings.Builder
	require.NoError(t, WriteStyleTable(&table, tallies))
	require.Contains(t, table.String(), "all")
	require.Contains(t, table.String(), "0 of 2 (0 %)")
}
