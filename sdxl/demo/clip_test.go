package demo_test

import (
	"context"
	"encoding/json"
	"image"
	imagedraw "image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl/demo"
)

// TestPairFindsThePicture holds the CLIP pair in the program to what
// transformers makes of it, on scenes with combinations that it never saw: the
// same vectors, and most captions find their own picture among 100.
func TestPairFindsThePicture(t *testing.T) {
	dir := filepath.Join("testdata", "clip")
	f, err := os.Open(filepath.Join(dir, "scenes.png"))
	require.NoError(t, err)
	defer f.Close()
	sheet, err := png.Decode(f)
	require.NoError(t, err)
	var captions []string
	data, err := os.ReadFile(filepath.Join(dir, "captions.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &captions))
	refs := golden.Tensors(t, filepath.Join(dir, "refs.safetensors"))

	m, err := demo.OpenCLIP(clip.Options{})
	require.NoError(t, err)
	defer m.Close()
	var images []image.Image
	for i := range captions {
		img := image.NewNRGBA(image.Rect(0, 0, 128, 128))
		imagedraw.Draw(img, img.Bounds(), sheet, image.Pt(i%10*128, i/10*128), imagedraw.Src)
		images = append(images, img)
	}
	texts, err := m.EmbedTexts(context.Background(), captions)
	require.NoError(t, err)
	pictures, err := m.EmbedImages(context.Background(), images)
	require.NoError(t, err)
	found := 0
	for i := range captions {
		width := len(texts[i])
		require.InDeltaSlice(t, refs["text_embeds"].Float32s()[i*width:(i+1)*width], texts[i], 2e-5, captions[i])
		require.InDeltaSlice(t, refs["image_embeds"].Float32s()[i*width:(i+1)*width], pictures[i], 2e-5, "picture %d", i)
		if clip.TopK(texts[i], pictures, 1)[0].Index == i {
			found++
		}
	}
	t.Logf("%d of %d captions find their picture", found, len(captions))
	require.GreaterOrEqual(t, found, 80)
}
