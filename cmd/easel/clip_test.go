package main

import (
	"context"
	"encoding/json"
	"image"
	"image/png"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

func clipModel(name string) string { return golden.Path("clip", name) }

// TestClipWritesTheReferences compares what the command writes with transformers.
func TestClipWritesTheReferences(t *testing.T) {
	for _, model := range []string{"quick", "siglip"} {
		var refs struct{ Pictures []string }
		data, err := os.ReadFile(golden.Path("clip", model, "texts.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &refs))
		args := []string{"clip", "-m", clipModel(model), "--texts", golden.Path("clip", model, "texts.json"), "--images"}
		for _, name := range refs.Pictures {
			args = append(args, golden.Path("clip", "pictures", name+".png"))
		}
		out := filepath.Join(t.TempDir(), "out.safetensors")
		ok(t, "", append(args, "-o", out)...)
		got, want := golden.Tensors(t, out), golden.Tensors(t, golden.Path("clip", model, "refs.safetensors"))
		require.Len(t, got, 3)
		for _, key := range []string{"text_embeds", "image_embeds"} {
			require.Equal(t, want[key].Shape(), got[key].Shape())
			require.InDeltaSlice(t, want[key].Float32s(), got[key].Float32s(), 1e-5)
		}
		require.Equal(t, want["logits"].Shape(), got["logits"].Shape())
		require.InDeltaSlice(t, want["logits"].Float32s(), got["logits"].Float32s(), 1e-4)
	}
}

func TestClipReadsTextsOfAllForms(t *testing.T) {
	dir := t.TempDir()
	var first string
	for name, text := range map[string]string{"a.json": `["a cat", "x"]`, "b.json": `{"texts": ["a cat", "x"]}`, "c.txt": "a cat\nx\n", "d.txt": "a cat\r\nx"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		out, _ := ok(t, "", "clip", "-m", clipModel("quick"), "--texts", filepath.Join(dir, name))
		if first == "" {
			first = out
		}
		require.Equal(t, first, out, name)
	}
	require.Equal(t, 2, strings.Count(first, "\n"))
}

func TestClipLabels(t *testing.T) {
	out, _ := ok(t, "", "clip", "-m", clipModel("quick"), "--labels", "a cat, a dog", golden.Path("clip", "pictures", "large.png"))
	require.Regexp(t, `large.png\n +[0-9.]+ %  a cat\n +[0-9.]+ %  a dog\n$`, out)
}

// The pair in the program needs no -m. The middle of the row is a yellow star.
func TestClipInTheProgram(t *testing.T) {
	out, _ := ok(t, "", "clip", "--labels", "a yellow star on a dark blue background,a red circle,a blue square", filepath.Join("..", "..", "sdxl", "demo", "testdata", "companions", "without.png"))
	require.Regexp(t, `without.png\n +([5-9][0-9]|100)\.[0-9]+ %  a yellow star`, out)
}

func TestClipTakesTheEncoderOfSDXL(t *testing.T) {
	out, _ := ok(t, "", "clip", "-m", model("a"), "-p", "a red circle")
	require.Contains(t, out, `"text":"a red circle","embedding":[`)
}

// photos writes pictures into a folder and one below it.
func photos(t *testing.T, n int) string {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "below"), 0o755))
	for i := range n {
		img := image.NewGray(image.Rect(0, 0, 3+i%7, 4+i%5))
		for j := range img.Pix {
			img.Pix[j] = uint8(i*j + i)
		}
		path := filepath.Join(dir, string(rune('a'+i%26))+strings.Repeat("x", i/26)+".png")
		if i%3 == 0 {
			path = filepath.Join(dir, "below", filepath.Base(path))
		}
		f, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, png.Encode(f, img))
		require.NoError(t, f.Close())
	}
	return dir
}

// TestClipFolderGoesOn stops a run in the middle, with half a line written, and
// holds that the next gives what one run gives.
func TestClipFolderGoesOn(t *testing.T) {
	dir, out := photos(t, 40), t.TempDir()
	whole, resumed := filepath.Join(out, "whole.npy"), filepath.Join(out, "resumed.npy")
	ok(t, "", "clip", "-m", clipModel("quick"), "--dir", dir, "-o", whole)
	require.NoFileExists(t, whole+".part")

	bad := filepath.Join(dir, "h.png")
	data, err := os.ReadFile(bad)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(bad, data[:len(data)/2], 0o600))
	_, _, err = run(t, t.Context(), "", "clip", "-m", clipModel("quick"), "--dir", dir, "-o", resumed)
	require.ErrorContains(t, err, "h.png")
	require.ErrorContains(t, err, "goes on from there")
	require.NoFileExists(t, resumed)
	journal, err := os.ReadFile(resumed + ".part")
	require.NoError(t, err)
	require.Greater(t, strings.Count(string(journal), "\n"), 1)
	require.NoError(t, os.WriteFile(resumed+".part", append(journal, `{"name":"z.png","vec`...), 0o600))
	require.NoError(t, os.WriteFile(bad, data, 0o600))
	_, _, err = run(t, t.Context(), "", "clip", "-m", clipModel("vision"), "--dir", dir, "-o", resumed)
	require.ErrorContains(t, err, "holds vectors of")
	_, log := ok(t, "", "clip", "-m", clipModel("quick"), "--dir", dir, "-o", resumed)
	require.Contains(t, log, "of 40 pictures are done already")
	for _, ext := range []string{".npy", ".txt"} {
		want, err := os.ReadFile(strings.TrimSuffix(whole, ".npy") + ext)
		require.NoError(t, err)
		got, err := os.ReadFile(strings.TrimSuffix(resumed, ".npy") + ext)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestClipKeepsGoing(t *testing.T) {
	dir := photos(t, 9)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.jpg"), []byte("no picture"), 0o600))
	out := filepath.Join(t.TempDir(), "v.safetensors")
	_, log := ok(t, "", "clip", "-m", clipModel("quick"), "--dir", dir, "-o", out, "--keep-going")
	require.Contains(t, log, "bad.jpg is no picture that can be read")
	require.Contains(t, log, "1 of 10 pictures could not be read")
	require.Equal(t, 9, golden.Tensors(t, out)["image_embeds"].Shape()[0])
}

// TestSearchFindsItself searches by a picture that is among the vectors, in all formats.
func TestSearchFindsItself(t *testing.T) {
	dir, out := photos(t, 12), t.TempDir()
	for _, name := range []string{"v.npy", "v.safetensors", "v.jsonl"} { // those that easel search reads
		path := filepath.Join(out, name)
		ok(t, "", "clip", "-m", clipModel("quick"), "--dir", dir, "-o", path)
		found, _ := ok(t, "", "search", "-m", clipModel("quick"), "--image", filepath.Join(dir, "b.png"), path, "-n", "3")
		require.Regexp(t, `^ 1.0000  b.png\n`, found, name)
		require.Equal(t, 3, strings.Count(found, "\n"))
		found, _ = ok(t, "", "search", "-m", clipModel("quick"), "a red circle", path, path, "--json")
		require.Equal(t, 10, strings.Count(found, `"score":`))
		_, _, err := run(t, t.Context(), "", "search", "-m", model("a"), "x", path)
		require.ErrorContains(t, err, "it is of another model")
	}
	_, _, err := run(t, t.Context(), "", "search", "-m", clipModel("quick"), "x", filepath.Join(out, "v.txt"))
	require.ErrorContains(t, err, "the name ends in none of")
}

func TestClipFaults(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"no such file", []string{filepath.Join(dir, "none.png")}},
		{"nothing to do", []string{"-m", clipModel("quick")}},
		{"--dir takes an output", []string{"-m", clipModel("quick"), "--dir", dir}},
		{"--dir goes with no texts", []string{"-m", clipModel("quick"), "--dir", dir, "-p", "x", "-o", out + ".npy"}},
		{"no pictures", []string{"-m", clipModel("quick"), "--dir", dir, "-o", out + ".npy"}},
		{"--labels takes a picture", []string{"-m", clipModel("quick"), "--labels", "x"}},
		{"the name ends in none of", []string{"-m", clipModel("quick"), "-p", "x", "-o", out + ".csv"}},
		{"has no text tower", []string{"-m", clipModel("vision"), "-p", "x"}},
		{"has no image tower", []string{"-m", model("a"), golden.Path("clip", "pictures", "large.png")}},
		{"no such file", []string{"-m", clipModel("quick"), filepath.Join(dir, "none.png")}},
		{"a .npy holds texts or pictures", []string{"-m", clipModel("quick"), "-p", "x", golden.Path("clip", "pictures", "large.png"), "-o", out + ".npy"}},
		{"no model of CLIP or SigLIP", []string{"-m", dir, "-p", "x"}},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"clip"}, c.args...)...)
		require.ErrorContains(t, err, c.want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := run(t, ctx, "", "clip", "-m", clipModel("quick"), "-p", "x", "-o", out+".npy")
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)
}

// TestClipServe holds that the server answers, and ends when it is told to.
func TestClipServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := run(t, ctx, "", "clip", "serve", "-m", clipModel("quick"), "--listen", address)
		done <- err
	}()
	require.Eventually(t, func() bool {
		res, err := http.Post("http://"+address+"/v1/embeddings", "application/json", strings.NewReader(`{"input": "a"}`))
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}
