package clip

import (
	"encoding/json"
	"image"
	_ "image/png"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

// TestPixelsAreTheReferences compares what goes into the tower with what the
// reference's processors make of pictures of all kinds.
func TestPixelsAreTheReferences(t *testing.T) {
	for _, model := range []string{"quick", "exact", "siglip", "vision", "open"} {
		t.Run(model, func(t *testing.T) {
			m, err := Open(golden.Path("clip", model), Options{})
			require.NoError(t, err)
			defer m.Close()
			var refs struct{ Pictures []string }
			data, err := os.ReadFile(golden.Path("clip", model, "texts.json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &refs))
			want := golden.Tensors(t, golden.Path("clip", model, "refs.safetensors"))["pixels"]
			c := &m.image.Config
			side, k := c.ImageSize/c.PatchSize, c.PatchSize
			for i, name := range refs.Pictures {
				f, err := os.Open(golden.Path("clip", "pictures", name+".png"))
				require.NoError(t, err)
				img, _, err := image.Decode(f)
				require.NoError(t, err)
				require.NoError(t, f.Close())
				got := make([]float32, c.patches()*c.patchLen())
				m.image.prepare.fill(got, img, c.ImageSize, k)
				size := c.ImageSize * c.ImageSize
				for j, v := range want.Float32s()[i*3*size : (i+1)*3*size] {
					ch, y, x := j/size, j/c.ImageSize%c.ImageSize, j%c.ImageSize
					require.InDelta(t, v, got[((y/k*side+x/k)*3+ch)*k*k+y%k*k+x%k], 1e-6, "%s at %d,%d", name, x, y)
				}
			}
		})
	}
}

func TestPreprocessingThatDoesNotFit(t *testing.T) {
	for text, want := range map[string]string{
		`{"do_resize": false}`:                              "do_resize is false",
		`{"crop_size": 20}`:                                 "crop_size is 20x20, the tower takes 32x32",
		`{"size": {"shortest_edge": 0, "height": 7}}`:       "want shortest_edge, or height and width",
		`{"size": {"shortest_edge": -1}}`:                   "want shortest_edge, or height and width",
		`{"resample": 0}`:                                   "resample is 0, want 1 (Lanczos)",
		`{"image_mean": [1, 2]}`:                            "image_mean and image_std have 2 and 3 numbers",
		`{"do_center_crop": false, "size": 20}`:             "size is 0x0, the tower takes 32x32",
		`{"size": "large"}`:                                 "cannot be a JSON string",
		`{"size": {"height": 40, "width": 40}, "resamp`:     "unexpected end",
		`{"image_std": [0.5, 0, 0.5]}`:                      "image_std is [0.5 0 0.5], want numbers above 0",
		`{"rescale_factor": 0.1, "crop_size": {"width":3}}`: "crop_size is 3x0",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(dir+"/"+preprocessorFile, []byte(text), 0o600))
		c := DefaultVisionConfig()
		c.ImageSize = 32
		_, err := readPreprocessing(os.DirFS(dir), &c)
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, preprocessorFile)
	}
}

func TestCutByLength(t *testing.T) {
	lengths := func(n ...int) (list []*item) {
		for _, l := range n {
			list = append(list, &item{ids: make([]int32, l)})
		}
		return list
	}
	// Alike lengths go together, and a long one goes alone where that is less.
	from, to := cutByLength(lengths(8, 8, 9, 10), 2)
	require.Equal(t, [2]int{0, 4}, [2]int{from, to})
	many := make([]int, 60)
	for i := range many {
		many[i] = 8
	}
	from, to = cutByLength(lengths(append(many, 77)...), 60)
	require.Equal(t, [2]int{60, 61}, [2]int{from, to})
	from, to = cutByLength(lengths(append(many, 77)...), 3)
	require.Equal(t, [2]int{0, 60}, [2]int{from, to})
	// Every item is in one batch, and no batch is too large.
	all := make([]int, 500)
	for i := range all {
		all[i] = 2 + i/7
	}
	list := lengths(all...)
	for i := 0; i < len(list); {
		from, to := cutByLength(list, i)
		require.Equal(t, i, from)
		require.LessOrEqual(t, to-from, mostInBatch)
		require.LessOrEqual(t, (to-from)*len(list[to-1].ids), rowsAtOnce)
		i = to
	}
}
