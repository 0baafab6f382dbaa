package clip_test

import (
	"encoding/json"
	"image"
	_ "image/png"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/tensor"
)

// references are what transformers made of a model of testdata.
type references struct {
	Texts, Pictures []string
	images          []image.Image
	tensors         map[string]*tensor.Tensor
}

func readReferences(t testing.TB, model string) *references {
	var r references
	data, err := os.ReadFile(golden.Path("clip", model, "texts.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	for _, name := range r.Pictures {
		r.images = append(r.images, readImage(t, golden.Path("clip", "pictures", name+".png")))
	}
	r.tensors = golden.Tensors(t, golden.Path("clip", model, "refs.safetensors"))
	return &r
}

func readImage(t testing.TB, path string) image.Image {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, _, err := image.Decode(f)
	require.NoError(t, err)
	return img
}

func open(t testing.TB, model string, o clip.Options) *clip.Model {
	m, err := clip.Open(golden.Path("clip", model), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// requireClose holds vectors to those of the reference: 1e-5 for each number.
func requireClose(t testing.TB, want *tensor.Tensor, got [][]float32, names []string) {
	width := want.Shape()[1]
	require.Len(t, got, want.Shape()[0])
	for i, v := range got {
		require.InDeltaSlice(t, want.Float32s()[i*width:(i+1)*width], v, 1e-5, "%q", names[i])
	}
}

func TestEmbeddingsAreTheReferences(t *testing.T) {
	for _, model := range []string{"quick", "exact", "siglip", "vision", "open"} {
		t.Run(model, func(t *testing.T) {
			m, r := open(t, model, clip.Options{}), readReferences(t, model)
			pictures, err := m.EmbedImages(t.Context(), r.images)
			require.NoError(t, err)
			requireClose(t, r.tensors["image_embeds"], pictures, r.Pictures)
			if model == "vision" {
				_, err := m.EmbedTexts(t.Context(), []string{"x"})
				require.ErrorIs(t, err, clip.ErrNoText)
				return
			}
			texts, err := m.EmbedTexts(t.Context(), r.Texts)
			require.NoError(t, err)
			requireClose(t, r.tensors["text_embeds"], texts, r.Texts)
			logits := r.tensors["logits"]
			for i, p := range pictures {
				for j, v := range texts {
					require.InDelta(t, logits.Float32s()[i*len(texts)+j], m.Scale*clip.Cosine(p, v)+m.Bias, 1e-4)
				}
			}
		})
	}
}

// TestOpenCLIPFileAlone opens weights without a configuration.
func TestOpenCLIPFileAlone(t *testing.T) {
	path := golden.Path("clip", "open", "open_clip_model.safetensors")
	_, err := clip.Open(path, clip.Options{})
	require.ErrorContains(t, err, "does not say its activation")
	_, err = clip.Open(path, clip.Options{Activation: "relu"})
	require.ErrorContains(t, err, `hidden_act is "relu"`)
}

func testModel(name string) string { return golden.Path("clip", name) }

// TestOpenCLIPsOtherTowers holds that models of other libraries' towers are named.
func TestOpenCLIPsOtherTowers(t *testing.T) {
	for config, want := range map[string]string{
		`{"model_cfg": {"vision_cfg": {"timm_model_name": "vit_base_patch16_siglip_224"}}}`:                                         "the image tower is timm's vit_base_patch16_siglip_224",
		`{"model_cfg": {"text_cfg": {"hf_model_name": "xlm-roberta-base"}}}`:                                                        "the text tower is Hugging Face's xlm-roberta-base",
		`{"model_cfg": {"vision_cfg": {"pool_type": "avg"}}}`:                                                                       `pool_type is "avg", want tok`,
		`{"model_cfg": {"text_cfg": {"heads": 2}, "vision_cfg": {"head_width": 16}}, "preprocess_cfg": {"resize_mode": "longest"}}`: `resize_mode is "longest"`,
		`{`: "open_clip_config.json: unexpected end",
	} {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(golden.Path("clip", "open"))))
		require.NoError(t, os.WriteFile(dir+"/open_clip_config.json", []byte(config), 0o600))
		_, err := clip.Open(dir, clip.Options{})
		require.ErrorContains(t, err, want)
	}
}
