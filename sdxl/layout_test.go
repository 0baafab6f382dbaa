package sdxl_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// copyModel copies a golden model and rewrites its weight files with change.
func copyModel(t testing.TB, model string, change func(path string, tensors map[string]*tensor.Tensor)) string {
	dst := t.TempDir()
	require.NoError(t, os.CopyFS(dst, os.DirFS(golden.Path(model, "model"))))
	files, err := filepath.Glob(filepath.Join(dst, "*", "*.safetensors"))
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, path := range files {
		rel, err := filepath.Rel(dst, path)
		require.NoError(t, err)
		tensors := golden.Tensors(t, golden.Path(model, "model", rel))
		require.NoError(t, os.Remove(path))
		change(path, tensors)
	}
	return dst
}

func write(t testing.TB, path string, tensors map[string]*tensor.Tensor) {
	require.NoError(t, safetensors.WriteFile(path, tensors, nil))
}

func converted(t testing.TB, tensors map[string]*tensor.Tensor, dt tensor.DType) map[string]*tensor.Tensor {
	out := make(map[string]*tensor.Tensor)
	for name, v := range tensors {
		var err error
		out[name], err = v.Convert(dt)
		require.NoError(t, err)
	}
	return out
}

// picture makes a small picture and returns its bytes.
func picture(t testing.TB, path string, opts sdxl.OpenOptions, threads int) []byte {
	m := open(t, path, opts)
	steps, seed := 3, int64(5)
	r, err := sdxl.NewPipeline(m, backend(t, threads), sdxl.PipelineOptions{}).Generate(context.Background(),
		sdxl.Options{Prompt: "a lighthouse at dusk", Steps: &steps, Seed: &seed, Width: 72, Height: 56})
	require.NoError(t, err)
	return r.Images[0].Pix
}

// TestLayoutsGiveTheSamePicture loads the same weights in every form.
func TestLayoutsGiveTheSamePicture(t *testing.T) {
	const model = "b"
	want := picture(t, golden.Path(model, "model"), sdxl.OpenOptions{}, 2)
	t.Run("single file", func(t *testing.T) {
		opts := sdxl.OpenOptions{Config: golden.Path(model, "model")}
		require.Equal(t, want, picture(t, golden.Path(model, "single.safetensors"), opts, 2))
	})
	t.Run("float32", func(t *testing.T) {
		path := copyModel(t, model, func(path string, tensors map[string]*tensor.Tensor) {
			write(t, path, converted(t, tensors, tensor.F32))
		})
		require.Equal(t, want, picture(t, path, sdxl.OpenOptions{}, 2))
	})
	t.Run("variant", func(t *testing.T) {
		path := copyModel(t, model, func(path string, tensors map[string]*tensor.Tensor) {
			write(t, strings.TrimSuffix(path, ".safetensors")+".fp16.safetensors", tensors)
		})
		require.Equal(t, want, picture(t, path, sdxl.OpenOptions{}, 2))
		require.Equal(t, want, picture(t, path, sdxl.OpenOptions{Variant: "fp16"}, 2))
		_, err := sdxl.Open(path, sdxl.OpenOptions{Variant: "bf16"})
		require.ErrorContains(t, err, "bf16")
	})
	t.Run("variant of some parts", func(t *testing.T) {
		for _, with := range [][]string{{"unet"}, {"text_encoder", "vae"}, {"text_encoder_2"}} {
			path := copyModel(t, model, func(path string, tensors map[string]*tensor.Tensor) {
				if slices.Contains(with, filepath.Base(filepath.Dir(path))) {
					write(t, strings.TrimSuffix(path, ".safetensors")+".fp16.safetensors", tensors)
					// The plain file must not be taken.
					tensors = map[string]*tensor.Tensor{"other": tensor.New(tensor.F32, 1)}
				}
				write(t, path, tensors)
			})
			require.Equal(t, want, picture(t, path, sdxl.OpenOptions{Variant: "fp16"}, 2), "%v", with)
		}
	})
	t.Run("a part with another variant alone", func(t *testing.T) {
		path := copyModel(t, model, func(path string, tensors map[string]*tensor.Tensor) {
			variant := ".fp16"
			if filepath.Base(filepath.Dir(path)) == "vae" {
				variant = ".bf16"
			}
			write(t, strings.TrimSuffix(path, ".safetensors")+variant+".safetensors", tensors)
		})
		_, err := sdxl.Open(path, sdxl.OpenOptions{Variant: "fp16"})
		require.ErrorContains(t, err, "vae")
		require.ErrorContains(t, err, `no weights diffusion_pytorch_model of variant "fp16", there are those of ["bf16"]`)
	})
	t.Run("sharded", func(t *testing.T) {
		path := copyModel(t, model, func(path string, tensors map[string]*tensor.Tensor) {
			writeShards(t, path, tensors)
		})
		require.Equal(t, want, picture(t, path, sdxl.OpenOptions{}, 2))
	})
	round := func(to ...tensor.DType) string {
		return copyModel(t, model, func(path string, tensors map[string]*tensor.Tensor) {
			for _, dt := range to {
				tensors = converted(t, tensors, dt)
			}
			write(t, path, tensors)
		})
	}
	t.Run("bfloat16", func(t *testing.T) {
		require.Equal(t, picture(t, round(tensor.BF16, tensor.F32), sdxl.OpenOptions{}, 2), picture(t, round(tensor.BF16), sdxl.OpenOptions{}, 2))
	})
	t.Run("wide and narrow floats", func(t *testing.T) {
		require.Equal(t, want, picture(t, round(tensor.F64), sdxl.OpenOptions{}, 2))
		for _, dt := range []tensor.DType{tensor.F8E4M3, tensor.F8E5M2} {
			require.Equal(t, picture(t, round(dt, tensor.F32), sdxl.OpenOptions{}, 2), picture(t, round(dt), sdxl.OpenOptions{}, 2), "%s", dt)
		}
	})
	t.Run("old names", func(t *testing.T) {
		rename := strings.NewReplacer(".to_q.", ".query.", ".to_k.", ".key.", ".to_v.", ".value.", ".to_out.0.", ".proj_attn.")
		path := copyModel(t, model, func(path string, tensors map[string]*tensor.Tensor) {
			out := make(map[string]*tensor.Tensor)
			for name, v := range tensors {
				switch filepath.Base(filepath.Dir(path)) {
				case "vae":
					name = rename.Replace(name)
				case "text_encoder":
					name = strings.TrimPrefix(name, "text_model.")
				}
				out[name] = v
			}
			write(t, path, out)
		})
		require.Equal(t, want, picture(t, path, sdxl.OpenOptions{}, 2))
	})
}

// writeShards writes tensors in two files and an index, as Hugging Face has them.
func writeShards(t testing.TB, path string, tensors map[string]*tensor.Tensor) {
	stem := strings.TrimSuffix(path, ".safetensors")
	names := []string{stem + "-00001-of-00002.safetensors", stem + "-00002-of-00002.safetensors"}
	shards := []map[string]*tensor.Tensor{{}, {}}
	index := map[string]string{}
	for name, v := range tensors {
		i := len(name) % 2
		shards[i][name] = v
		index[name] = filepath.Base(names[i])
	}
	for i, name := range names {
		write(t, name, shards[i])
	}
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 1}, "weight_map": index})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".index.json", data, 0o644))
}

func TestSamePictureAtAnyThreadCount(t *testing.T) {
	want := picture(t, golden.Path("a", "model"), sdxl.OpenOptions{}, 1)
	for _, threads := range []int{2, 3, 8} {
		require.Equal(t, want, picture(t, golden.Path("a", "model"), sdxl.OpenOptions{}, threads), "%d threads", threads)
	}
}

// TestTextsAlone loads the text encoders of a model that has nothing else.
func TestTextsAlone(t *testing.T) {
	path := copyModel(t, "a", func(path string, tensors map[string]*tensor.Tensor) {
		if strings.HasPrefix(filepath.Base(filepath.Dir(path)), "text_encoder") {
			write(t, path, tensors)
		}
	})
	for _, dir := range []string{"unet", "vae", "scheduler"} {
		require.NoError(t, os.RemoveAll(filepath.Join(path, dir)))
	}
	m := open(t, path, sdxl.OpenOptions{Parts: sdxl.TextParts})
	b := backend(t, 2)
	var texts []sdxl.PromptText
	for i := range 64 {
		text := strings.Repeat("a red circle, ", i)
		texts = append(texts, sdxl.PromptText{L: text, G: text})
	}
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	all, err := pipe.EncodePrompts(context.Background(), texts, sdxl.PromptOptions{})
	require.NoError(t, err)
	for i := 0; i < 64; i += 9 {
		one, err := pipe.EncodePrompts(context.Background(), texts[i:i+1], sdxl.PromptOptions{})
		require.NoError(t, err)
		require.Equal(t, one[0].Context.Bytes(), all[i].Context.Bytes(), "text %d", i)
		require.Equal(t, one[0].Pooled.Bytes(), all[i].Pooled.Bytes(), "text %d", i)
	}
}

// TestVAEAlone loads only the VAE, and takes a picture there and back.
func TestVAEAlone(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.VAEPart})
	require.Nil(t, m.UNet)
	b := backend(t, 2)
	img := tensor.New(tensor.F32, 2, 3, 40, 24)
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	z, err := pipe.EncodeImage(context.Background(), img, nil)
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{2, 4, 5, 3}, z.Shape())
	out, err := pipe.Decode(context.Background(), z)
	require.NoError(t, err)
	require.Equal(t, img.Shape(), out.Shape())
}
