package main

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStoredNoise(t *testing.T) {
	dir := t.TempDir()
	noise, first, again := filepath.Join(dir, "n.safetensors"), filepath.Join(dir, "a.png"), filepath.Join(dir, "b.png")
	draw := func(more ...string) {
		ok(t, "", append([]string{"txt2img", "-m", model("c"), "-p", "a red circle", "--steps", "3", "--sampler", "dpmpp_2m_sde"}, more...)...)
	}
	draw("--seed", "3", "--noise", "brownian", "--save-noise", noise, "-o", first)
	draw("--seed", "3", "--noise-file", noise, "-o", again)
	decoded := func(path string) []byte {
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		img, err := png.Decode(f)
		require.NoError(t, err)
		return pixelsOf(img)
	}
	require.Equal(t, decoded(first), decoded(again))

	_, _, err := run(t, t.Context(), "", "txt2img", "-m", model("c"), "-p", "x", "--noise-file", first, "-o", again)
	require.ErrorContains(t, err, "--noise-file")
	_, _, err = run(t, t.Context(), "", "txt2img", "-m", model("c"), "-p", "x", "--restart", "0.1,2,3", "-o", again)
	require.ErrorContains(t, err, "want two noise levels")
}
