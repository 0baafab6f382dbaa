package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

func parameters(t *testing.T, data []byte) sdxl.Options {
	p, err := request.DecodeParameters(bytes.NewReader(data))
	require.NoError(t, err)
	return *p
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.png")
	ok(t, "", "txt2img", "-m", model("a"), "-p", "a cat", "-n", "", "--steps", "2", "--batch", "2", "--crop", "1,2", "--sampler", "euler_a", "-o", path)
	for _, name := range []string{"x-1.png", "x-2.png"} {
		out, _ := ok(t, "", "verify", "-m", model("a"), filepath.Join(dir, name))
		require.Contains(t, out, "the same ")
	}
	first := filepath.Join(dir, "x-1.png")
	_, _, err := run(t, t.Context(), "", "verify", "-m", model("b"), first)
	require.ErrorContains(t, err, "differs from what this model makes in ")
	_, _, err = run(t, t.Context(), "", "verify", "-m", model("a"), "-i", first, first)
	require.ErrorContains(t, err, "started from a text alone")

	data, err := os.ReadFile(first)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	p := parameters(t, data)
	p.Prompt = "a dog"
	var changed bytes.Buffer
	require.NoError(t, request.EncodePNG(&changed, img, p))
	require.NoError(t, os.WriteFile(path, changed.Bytes(), 0o644))
	_, _, err = run(t, t.Context(), "", "verify", "-m", model("a"), path)
	require.Error(t, err)

	changed.Reset()
	require.NoError(t, png.Encode(&changed, img))
	require.NoError(t, os.WriteFile(path, changed.Bytes(), 0o644))
	_, _, err = run(t, t.Context(), "", "verify", "-m", model("a"), path)
	require.ErrorIs(t, err, request.ErrNoParameters)
}

func TestVerifyFromAPicture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.png")
	input := golden.Path("b", "pictures", "input.png")
	ok(t, "", "img2img", "-m", model("b"), "-p", "a red star", "-i", input, "--strength", "0.5", "--steps", "4", "-o", path)
	ok(t, "", "verify", "-m", model("b"), "-i", input, path)
	_, _, err := run(t, t.Context(), "", "verify", "-m", model("b"), path)
	require.ErrorContains(t, err, "started from a picture; give it with -i")
}

func TestInspectPicture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.png")
	ok(t, "", "txt2img", "-m", model("a"), "-p", "a cat", "-n", "a dog", "--steps", "2", "--seed", "9", "--cfg", "3.5", "--sampler", "euler_a", "-o", path)
	out, _ := ok(t, "", "inspect", path)
	require.Contains(t, out, "a cat\nNegative prompt: a dog\nSteps: 2, Sampler: Euler a, Schedule type: ")
	require.Contains(t, out, "CFG scale: 3.5, Seed: 9, Size: 128x128")
	out, _ = ok(t, "", "inspect", "--json", path)
	var got struct {
		Easel      sdxl.Options
		Parameters struct{ Prompt string }
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, "a cat", got.Parameters.Prompt)
	require.Equal(t, int64(9), *got.Easel.Seed)
	require.Equal(t, "a dog", *got.Easel.Negative)
}
