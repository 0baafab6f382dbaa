package main

import (
	"bytes"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/imagefile"
)

// few are the flags of a quick picture.
var few = []string{"-m", model("a"), "-p", "a cat", "--steps", "1", "--width", "64", "--height", "64", "--seed", "5"}

func quick(command string, more ...string) []string {
	return append(append([]string{command}, few...), more...)
}

// TestStandardOutput: a dash is no file.
func TestStandardOutput(t *testing.T) {
	m := few[1]
	t.Chdir(t.TempDir())
	out, _ := ok(t, "", quick("txt2img", "-o", "-")...)
	_, err := png.Decode(bytes.NewReader([]byte(out)))
	require.NoError(t, err)
	embedding, _ := ok(t, "", "embed", "-m", m, "-p", "x", "-o", "-")
	require.Contains(t, embedding[:20], "{")
	again, _ := ok(t, out, "img2img", "-m", m, "-p", "x", "--steps", "2", "--strength", "0.6", "-i", "-", "-o", "-")
	_, err = png.Decode(bytes.NewReader([]byte(again)))
	require.NoError(t, err)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, entries)
	_, _, err = run(t, t.Context(), "", quick("txt2img", "-o", "-", "--batch", "2")...)
	require.ErrorContains(t, err, "--output - takes one picture, and there are 2")
}

// TestDevicesStay: as root a device could be replaced.
func TestDevicesStay(t *testing.T) {
	before, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	ok(t, "", quick("txt2img", "-o", os.DevNull)...)
	ok(t, "", "embed", "-m", model("a"), "-p", "x", "-o", os.DevNull)
	after, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	require.Equal(t, before.Mode(), after.Mode())
	require.NotZero(t, after.Mode()&fs.ModeDevice)
}

// TestFormats: each holds the parameters, which are read and made again.
func TestFormats(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"x.png", "x.jpg", "x.JPEG", "x.webp"} {
		path := filepath.Join(dir, name)
		ok(t, "", quick("txt2img", "-n", "ein Hündchen 🐕", "-o", path)...)
		out, _ := ok(t, "", "inspect", path)
		require.Contains(t, out, "a cat\nNegative prompt: ein Hündchen 🐕\nSteps: 1, ", name)
		out, _ = ok(t, "", "verify", "-m", model("a"), path)
		require.Contains(t, out, "the same ")
	}
	data, err := os.ReadFile(filepath.Join(dir, "x.jpg"))
	require.NoError(t, err)
	_, err = jpeg.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	_, _, err = run(t, t.Context(), "", quick("txt2img", "-o", filepath.Join(dir, "x.gif"))...)
	require.ErrorContains(t, err, "want a name that ends in .png, .jpg, .jpeg or .webp")
}

// TestUnwritablePlaces are found before the model is opened.
func TestUnwritablePlaces(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "x-2.png"), 0o755))
	for _, args := range [][]string{
		{"-o", filepath.Join(dir, "no", "x.png")},
		{"-o", filepath.Join(dir, "x.png"), "--batch", "2"},
		{"-o", filepath.Join(dir, "y.png"), "--trace", filepath.Join(dir, "no", "t")},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"txt2img", "-m", "no such model", "-p", "x"}, args...)...)
		require.ErrorContains(t, err, dir)
		require.NotContains(t, err.Error(), "no such model")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// TestPicturesOfABatch: each holds its own seed and place, and is made again alone.
func TestPicturesOfABatch(t *testing.T) {
	if testing.Short() {
		t.Skip("draws many pictures; go test without -short runs it")
	}
	input := golden.Path("b", "pictures", "input.png")
	for name, args := range map[string][]string{
		"one stream":        {"--sampler", "euler_a"},
		"brownian":          {"--sampler", "dpmpp_sde", "--noise", "brownian"},
		"philox":            {"--sampler", "euler_a", "--noise", "philox", "--dialect", "comfy"},
		"seeds":             {"--seeds", "11,5,99", "--sampler", "euler_a"},
		"seeds that follow": {"--dialect", "a1111", "--sampler", "euler_a", "--prompt-syntax", "a1111"},
		"varied":            {"--variation-seed", "3", "--variation-strength", "0.4"},
		"varied, a1111":     {"--variation-seed", "3", "--variation-strength", "0.4", "--dialect", "a1111"},
		"from a picture":    {"-i", input, "--strength", "0.7"},
		"of one another":    {"--sampler", "dpm_adaptive"},
		"first-block cache": {"--cache", "first-block:0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.png")
			command, verify := "txt2img", []string{"verify", "-m", model("b")}
			if name == "from a picture" {
				command, verify = "img2img", append(verify, "-i", input)
			}
			common := append([]string{command, "-m", model("b"), "-p", "a cat", "--steps", "3", "-o", path}, args...)
			if name != "seeds" {
				common = append(common, "--seed", "5", "--batch", "3")
			}
			ok(t, "", common...)
			seeds := map[string][]int64{"seeds": {11, 5, 99}, "seeds that follow": {5, 6, 7}}[name]
			for i := range 3 {
				file := numbered(path, i, 3)
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				p := parameters(t, data)
				require.Equal(t, i, *p.Index)
				want := int64(5)
				if seeds != nil {
					want = seeds[i]
				}
				require.Equal(t, want, *p.Seed)
				texts, err := imagefile.Texts(data)
				require.NoError(t, err)
				require.Contains(t, texts[1].Text, "Batch size: 3, Batch pos: ")
				out, _ := ok(t, "", append(verify, file)...)
				require.Contains(t, out, "the same ", file)
			}
			alone := filepath.Join(filepath.Dir(path), "alone.png")
			ok(t, "", append(common, "--index", "1", "-o", alone)...)
			got, err := os.ReadFile(alone)
			require.NoError(t, err)
			batch, err := os.ReadFile(numbered(path, 1, 3))
			require.NoError(t, err)
			require.Equal(t, batch, got)
		})
	}
}
