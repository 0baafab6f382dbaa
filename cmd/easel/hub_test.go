package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestModelsOfTheHubCache opens models by the names that they have on the Hugging Face Hub.
func TestModelsOfTheHubCache(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	const commit = "462165984030d82259a11f4367a4eed129e94a7b"
	dir := filepath.Join(cache, "models--org--tiny-xl")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "refs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "refs", "main"), []byte(commit), 0o644))
	snapshot := filepath.Join(dir, "snapshots", commit)
	require.NoError(t, os.CopyFS(snapshot, os.DirFS(model("b"))))
	weights := filepath.Join(snapshot, "unet", "diffusion_pytorch_model.safetensors")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "blobs"), 0o755))
	require.NoError(t, os.Rename(weights, filepath.Join(dir, "blobs", "ab12")))
	require.NoError(t, os.Symlink(filepath.FromSlash("../../../blobs/ab12"), weights))
	single, err := filepath.Abs(filepath.Join(model("b"), "..", "single.safetensors"))
	require.NoError(t, err)
	data, err := os.ReadFile(single)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(snapshot, "single.safetensors"), data, 0o644))

	want, _ := ok(t, "a red circle\n", "tokenize", "-m", model("b"))
	got, _ := ok(t, "a red circle\n", "tokenize", "-m", "org/tiny-xl")
	require.Equal(t, want, got)
	ok(t, "", "inspect", "org/tiny-xl")
	ok(t, "", "inspect", "org/tiny-xl/single.safetensors", "--config", "org/tiny-xl")
	ok(t, "", "lab", "sigmas", "-m", "org/tiny-xl")
	ok(t, "", "clip", "-m", "org/tiny-xl", "-p", "a red circle")
	out := filepath.Join(t.TempDir(), "f32")
	ok(t, "", "convert", "org/tiny-xl", "--dtype", "f32", "-o", out)
	ok(t, "", "inspect", out)

	for _, args := range [][]string{
		{"tokenize", "-m", "org/other"}, {"inspect", "org/other"}, {"lab", "sigmas", "-m", "org/other"}, {"clip", "-m", "org/other", "-p", "x"},
		{"convert", "org/other", "-o", "x"}, {"inspect", single, "--config", "org/other"},
	} {
		_, _, err := run(t, t.Context(), "", args...)
		require.ErrorContains(t, err, "hf download org/other", "%v", args)
	}
}
