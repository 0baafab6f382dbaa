package hubcache

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const commit = "462165984030d82259a11f4367a4eed129e94a7b"

// clean unsets what the cache's place follows from, and moves to an empty folder.
func clean(t *testing.T) (home string) {
	for _, v := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(v, "")
	}
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Chdir(t.TempDir())
	return home
}

// download makes a cache as huggingface_hub does: blobs, and links to them.
func download(t *testing.T, cache, model, ref string) (snapshot string) {
	dir := filepath.Join(cache, "models--"+model)
	snapshot = filepath.Join(dir, "snapshots", commit)
	require.NoError(t, os.MkdirAll(filepath.Join(snapshot, "unet"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "blobs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "blobs", "ab12"), []byte("{}"), 0o644))
	require.NoError(t, os.Symlink(filepath.FromSlash("../../../blobs/ab12"), filepath.Join(snapshot, "unet", "config.json")))
	if ref != "" {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "refs"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "refs", "main"), []byte(ref), 0o644))
	}
	return snapshot
}

func TestFindWhereTheCacheIs(t *testing.T) {
	other := t.TempDir()
	for name, c := range map[string]struct {
		set   map[string]string
		cache func(home string) string
	}{
		"home":      {nil, func(home string) string { return filepath.Join(home, ".cache", "huggingface", "hub") }},
		"XDG":       {map[string]string{"XDG_CACHE_HOME": other}, func(string) string { return filepath.Join(other, "huggingface", "hub") }},
		"HF_HOME":   {map[string]string{"HF_HOME": filepath.Join(other, "hf"), "XDG_CACHE_HOME": "/none"}, func(string) string { return filepath.Join(other, "hf", "hub") }},
		"tilde":     {map[string]string{"HF_HOME": "~/models"}, func(home string) string { return filepath.Join(home, "models", "hub") }},
		"old name":  {map[string]string{"HUGGINGFACE_HUB_CACHE": filepath.Join(other, "old"), "HF_HOME": "/none"}, func(string) string { return filepath.Join(other, "old") }},
		"HUB_CACHE": {map[string]string{"HF_HUB_CACHE": filepath.Join(other, "new"), "HUGGINGFACE_HUB_CACHE": "/none", "HF_HOME": "/none"}, func(string) string { return filepath.Join(other, "new") }},
		"variable":  {map[string]string{"BIG_DISK": other, "HF_HUB_CACHE": "$BIG_DISK/hub"}, func(string) string { return filepath.Join(other, "hub") }},
	} {
		t.Run(name, func(t *testing.T) {
			home := clean(t)
			for k, v := range c.set {
				t.Setenv(k, v)
			}
			want := download(t, c.cache(home), "org--some.model-1.0", commit+"\n")
			got, err := Find("org/some.model-1.0")
			require.NoError(t, err)
			require.Equal(t, want, got)
			data, err := os.ReadFile(filepath.Join(got, "unet", "config.json"))
			require.NoError(t, err)
			require.Equal(t, "{}", string(data))

			got, err = Find("org/some.model-1.0/unet/config.json")
			require.NoError(t, err)
			require.Equal(t, filepath.Join(want, "unet", "config.json"), got)
			_, err = Find("org/some.model-1.0/unet/other.json")
			require.ErrorContains(t, err, "hf download org/some.model-1.0 unet/other.json")
		})
	}
}

func TestFindPaths(t *testing.T) {
	home := clean(t)
	download(t, filepath.Join(home, ".cache", "huggingface", "hub"), "org--name", commit)
	require.NoError(t, os.MkdirAll("org/name", 0o755))
	for _, path := range []string{
		"org/name", // is here, and wins
		"model.safetensors", "models/sdxl.safetensors", "./org/other", "../org/other", "/org/other", "a/b/c/d", "org/", "", "C:\\models\\sdxl",
	} {
		got, err := Find(path)
		require.NoError(t, err, path)
		require.Equal(t, path, got)
	}
}

func TestFindFaults(t *testing.T) {
	home := clean(t)
	cache := filepath.Join(home, ".cache", "huggingface", "hub")
	_, err := Find("stabilityai/stable-diffusion-xl-base-1.0")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, `hf download stabilityai/stable-diffusion-xl-base-1.0"`)
	require.ErrorContains(t, err, `easel pull stabilityai/stable-diffusion-xl-base-1.0"`)
	require.ErrorContains(t, err, cache)

	download(t, cache, "org--gone", "0000")
	_, err = Find("org/gone")
	require.ErrorContains(t, err, "hf download org/gone")

	for ref, want := range map[string]string{"../../secret": "is no commit", ".": "is no commit", "..": "is no commit", " ": "is no commit", string(make([]byte, 1000)): "too many"} {
		dir := t.TempDir()
		t.Setenv("HF_HUB_CACHE", dir)
		download(t, dir, "org--bad", ref)
		_, err = Find("org/bad")
		require.ErrorContains(t, err, want)
	}
}

// TestFindWithoutRef: a download of one commit leaves no name for it.
func TestFindWithoutRef(t *testing.T) {
	clean(t)
	cache := t.TempDir()
	t.Setenv("HF_HUB_CACHE", cache)
	want := download(t, cache, "org--name", "")
	got, err := Find("org/name")
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.NoError(t, os.MkdirAll(filepath.Join(cache, "models--org--name", "snapshots", "other"), 0o755))
	_, err = Find("org/name")
	require.ErrorContains(t, err, "2 snapshots")
}

func TestFindNoURL(t *testing.T) {
	clean(t)
	_, err := Find("https://huggingface.co/org/model")
	require.ErrorContains(t, err, "https://huggingface.co/org/model is a URL; want a folder, a file, or the name of a model")
}
