package quality

import (
	"encoding/json"
	"image"
	"image/draw"
	"image/png"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJudgeAgreesWithTheRecipe scores renders as the judge in
// sdxl/demo/train/judge.py did; some are of another scene than is asked for.
func TestJudgeAgreesWithTheRecipe(t *testing.T) {
	f, err := os.Open("testdata/renders.png")
	require.NoError(t, err)
	defer f.Close()
	sheet, err := png.Decode(f)
	require.NoError(t, err)
	data, err := os.ReadFile("testdata/renders.json")
	require.NoError(t, err)
	var want []struct {
		Scene          Scene
		Objects, Right bool
	}
	require.NoError(t, json.Unmarshal(data, &want))
	require.Len(t, want, 48)
	right := 0
	for i, w := range want {
		img := image.NewNRGBA(image.Rect(0, 0, 128, 128))
		draw.Draw(img, img.Bounds(), sheet, image.Pt(i%8*128, i/8*128), draw.Src)
		got := w.Scene.Judge(img)
		require.Equal(t, Score{w.Objects, w.Right}, got, "render %d, asked for %s; found %v", i, w.Scene.Caption, Read(img))
		if got.Right {
			right++
		}
	}
	require.Greater(t, right, 20)
	require.Less(t, right, 40)
}

func TestScenes(t *testing.T) {
	scenes, err := Scenes()
	require.NoError(t, err)
	kinds := map[string]int{}
	for _, s := range scenes {
		require.NotEmpty(t, s.Caption)
		require.NotEmpty(t, s.Objects)
		kinds[s.Kind]++
	}
	require.GreaterOrEqual(t, len(scenes), 200)
	for _, k := range Kinds {
		require.NotZero(t, kinds[k], k)
	}
}
