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
	right := judgeSheet(t, "renders", 48)
	require.Greater(t, right, 20)
	require.Less(t, right, 40)
}

// TestJudgeReadsSoftEdges scores renders of which the model's autoencoder has
// softened the edges: the judge must still see what is there.
func TestJudgeReadsSoftEdges(t *testing.T) {
	require.GreaterOrEqual(t, judgeSheet(t, "reconstructions", 24), 22)
}

// judgeSheet compares the judge with what the recipe's says of a sheet of
// pictures, and returns how many are right.
func judgeSheet(t *testing.T, name string, n int) (right int) {
	f, err := os.Open("testdata/" + name + ".png")
	require.NoError(t, err)
	defer f.Close()
	sheet, err := png.Decode(f)
	require.NoError(t, err)
	data, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	var want []struct {
		Scene          Scene
		Objects, Right bool
	}
	require.NoError(t, json.Unmarshal(data, &want))
	require.Len(t, want, n)
	for i, w := range want {
		img := image.NewNRGBA(image.Rect(0, 0, 128, 128))
		draw.Draw(img, img.Bounds(), sheet, image.Pt(i%8*128, i/8*128), draw.Src)
		got := w.Scene.Judge(img)
		require.Equal(t, Score{w.Objects, w.Right}, got, "%s %d, asked for %s; found %v", name, i, w.Scene.Caption, Read(img))
		if got.Right {
			right++
		}
	}
	return right
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
