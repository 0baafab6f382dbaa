package clip_test

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
)

// manyTexts returns texts of all lengths.
func manyTexts(n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields("a red circle two cats old lighthouse at dusk oil painting detailed x")
	texts := make([]string, n)
	for i := range texts {
		list := make([]string, r.IntN(40))
		for j := range list {
			list[j] = words[r.IntN(len(words))]
		}
		texts[i] = strings.Join(list, " ")
	}
	return texts
}

// TestRowsAreIndependent holds that what a text is batched with does not change
// a bit of its vector.
func TestRowsAreIndependent(t *testing.T) {
	for _, model := range []string{"quick", "siglip"} {
		m := open(t, model, clip.Options{})
		texts := manyTexts(150)
		all, err := m.EmbedTexts(t.Context(), texts)
		require.NoError(t, err)
		for _, i := range []int{0, 1, 7, 70, 149} {
			one, err := m.EmbedTexts(t.Context(), texts[i:i+1])
			require.NoError(t, err)
			require.Equal(t, one[0], all[i], "%q", texts[i])
		}
	}
	m, r := open(t, "quick", clip.Options{}), readReferences(t, "quick")
	all, err := m.EmbedImages(t.Context(), r.images)
	require.NoError(t, err)
	for i, img := range r.images {
		one, err := m.EmbedImages(t.Context(), []image.Image{img})
		require.NoError(t, err)
		require.Equal(t, one[0], all[i], r.Pictures[i])
	}
}

// TestManyGoroutines holds that no answers are mixed up.
func TestManyGoroutines(t *testing.T) {
	m, r := open(t, "quick", clip.Options{}), readReferences(t, "quick")
	texts := manyTexts(64)
	want, err := m.EmbedTexts(t.Context(), texts)
	require.NoError(t, err)
	pictures, err := m.EmbedImages(t.Context(), r.images)
	require.NoError(t, err)
	var all sync.WaitGroup
	for i, text := range texts {
		all.Go(func() {
			ctx := t.Context()
			if i%5 == 4 { // some go away in the middle
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				go cancel()
			}
			for range 3 {
				got, err := m.EmbedTexts(ctx, []string{text})
				if err == nil {
					err = same(want[i], got[0])
				}
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
			at := i % len(r.images)
			got, err := m.EmbedImages(ctx, []image.Image{r.images[at]})
			if err == nil {
				err = same(pictures[at], got[0])
			}
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func same(a, b []float32) error {
	for i := range a {
		if a[i] != b[i] {
			return fmt.Errorf("number %d is %g, want %g", i, b[i], a[i])
		}
	}
	return nil
}

func TestFaults(t *testing.T) {
	m := open(t, "quick", clip.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.EmbedTexts(ctx, []string{"x"})
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.EmbedImages(ctx, []image.Image{image.NewGray(image.Rect(0, 0, 3, 3))})
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.EmbedImages(t.Context(), []image.Image{image.NewGray(image.Rectangle{})})
	require.ErrorContains(t, err, "picture 0 is 0x0")
	_, err = m.EmbedImages(t.Context(), []image.Image{nil})
	require.ErrorContains(t, err, "picture 0 is nil")
	require.ErrorContains(t, m.EmbedTextsInto(t.Context(), make([]float32, 5), []string{"x"}), "dst has 5 numbers, want 20")
	none, err := m.EmbedTexts(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
	n, cut, err := m.TextTokens(strings.Repeat("cat ", 100))
	require.NoError(t, err)
	require.True(t, cut)
	require.Equal(t, 77, n)
}

func TestFoldersThatAreNoModel(t *testing.T) {
	copyOf := func(t *testing.T, change map[string]string, without ...string) string {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(golden.Path("clip", "quick"))))
		for name, text := range change {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		for _, name := range without {
			require.NoError(t, os.Remove(filepath.Join(dir, name)))
		}
		return dir
	}
	config, err := os.ReadFile(golden.Path("clip", "quick", "config.json"))
	require.NoError(t, err)
	edit := func(from, to string) map[string]string {
		require.Contains(t, string(config), from)
		return map[string]string{"config.json": strings.ReplaceAll(string(config), from, to)}
	}
	for _, c := range []struct {
		want    string
		change  map[string]string
		without []string
	}{
		{"there is neither config.json nor", nil, []string{"config.json"}},
		{"no weights model", nil, []string{"model.safetensors"}},
		{`model_type is "bert"`, edit(`"model_type": "clip"`, `"model_type": "bert"`), nil},
		{"NaFlex", edit(`"model_type": "clip"`, `"model_type": "siglip2"`), nil},
		{"hidden_size cannot be a JSON string", edit(`"hidden_size": 32`, `"hidden_size": "32"`), nil},
		{`hidden_act is "relu"`, edit("quick_gelu", "relu"), nil},
		{"no multiple of num_attention_heads", edit(`"num_attention_heads": 2`, `"num_attention_heads": 5`), nil},
		{"want [703 64]", edit(`"hidden_size": 32`, `"hidden_size": 64`), nil},
		{"parameters are missing", edit(`"num_hidden_layers": 2`, `"num_hidden_layers": 3`), nil},
		{"tensors are unused", edit(`"num_hidden_layers": 3`, `"num_hidden_layers": 2`), nil},
		{"num_channels is 1", edit(`"num_channels": 3`, `"num_channels": 1`), nil},
		{"image_size 4 is less than patch_size", edit(`"image_size": 32`, `"image_size": 4`), nil},
	} {
		_, err := clip.Open(copyOf(t, c.change, c.without...), clip.Options{})
		require.ErrorContains(t, err, c.want)
	}
	_, err = clip.Open(filepath.Join(t.TempDir(), "none"), clip.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = clip.Open(golden.Path("a", "model", "unet", "diffusion_pytorch_model.safetensors"), clip.Options{})
	require.ErrorContains(t, err, "neither token_embedding.weight nor visual.conv1.weight")
}

func TestVectorsHaveLength1(t *testing.T) {
	m := open(t, "quick", clip.Options{})
	vectors, err := m.EmbedTexts(t.Context(), manyTexts(20))
	require.NoError(t, err)
	for _, v := range vectors {
		require.Len(t, v, m.Dim())
		require.InDelta(t, 1, math.Sqrt(float64(clip.Cosine(v, v))), 1e-6)
	}
}

// TestPrecisions holds vectors of rounded products to a cosine with the reference's.
func TestPrecisions(t *testing.T) {
	for _, model := range []string{"quick", "siglip"} {
		r := readReferences(t, model)
		for precision, least := range map[nn.Precision]float32{nn.BF16: 0.999, nn.Int8: 0.99, nn.Auto: 0.999} {
			m := open(t, model, clip.Options{Precision: precision, Threads: 2})
			texts, err := m.EmbedTexts(t.Context(), r.Texts)
			require.NoError(t, err)
			pictures, err := m.EmbedImages(t.Context(), r.images)
			require.NoError(t, err)
			for key, got := range map[string][][]float32{"text_embeds": texts, "image_embeds": pictures} {
				want := r.tensors[key].Float32s()
				for i, v := range got {
					require.Greater(t, clip.Cosine(v, want[i*m.Dim():(i+1)*m.Dim()]), least, "%s %s %d", precision, key, i)
				}
			}
		}
	}
}

// TestTokenizerOfAnotherModel takes the tokenizer away, so that OpenAI's is tried.
func TestTokenizerOfAnotherModel(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(golden.Path("clip", "quick"))))
	require.NoError(t, os.Remove(filepath.Join(dir, "vocab.json")))
	m, err := clip.Open(dir, clip.Options{})
	require.NoError(t, err)
	defer m.Close()
	_, err = m.EmbedTexts(t.Context(), []string{"x"})
	require.ErrorContains(t, err, "the model knows 703: the tokenizer is another model's")
}

// TestSigLIPWithPieces opens a model with the tokenizer of the first SigLIP.
func TestSigLIPWithPieces(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(golden.Path("clip", "siglip"))))
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "texts.json"} {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	m, err := clip.Open(dir, clip.Options{})
	require.NoError(t, err)
	_, err = m.EmbedTexts(t.Context(), []string{"x"})
	require.ErrorContains(t, err, "there is no spiece.model")
	require.NoError(t, m.Close())
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("tokenizer", "testdata", "siglip"))))
	m, err = clip.Open(dir, clip.Options{})
	require.NoError(t, err)
	defer m.Close()
	v, err := m.EmbedTexts(t.Context(), []string{"a red circle", "A red circle!", "two cats"})
	require.NoError(t, err)
	require.Equal(t, v[0], v[1])
	require.NotEqual(t, v[0], v[2])
}

// TestCloseAfterCancel: what was cancelled is over before Close frees what it used.
func TestCloseAfterCancel(t *testing.T) {
	for range 20 {
		b := cpu.New(cpu.Options{Threads: 2})
		m, err := clip.Open(golden.Path("clip", "quick"), clip.Options{Backend: b})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() { _, _ = m.EmbedTexts(ctx, []string{"a red circle", "an old lighthouse"}) })
		}
		cancel()
		calls.Wait()
		require.NoError(t, m.Close())
		require.NoError(t, b.Close())
	}
}
