//go:build !nodemo

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/safetensors"
)

func TestLabConverge(t *testing.T) {
	dir := t.TempDir()
	csv, plot, report := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.svg"), filepath.Join(dir, "a.html")
	out, _ := ok(t, "", "lab", "converge", "--sampler", "K_EULER,euler_a,uni_pc", "--steps", "128,256", "--csv", csv, "--plot", plot, "--report", report)
	require.Regexp(t, `\| euler +\| path +\| 1\.0`, out)
	require.Regexp(t, `\| uni_pc +\| path +\| (2\.9|3\.0)`, out)
	for _, path := range []string{csv, plot, report} {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(data), "uni_pc", path)
	}
}

func TestLabOnAModel(t *testing.T) {
	dir := t.TempDir()
	small := func(args ...string) []string {
		return append(append([]string{"lab"}, args...), "-m", model("a"), "-p", "x", "--width", "64", "--height", "64", "--steps", "3")
	}
	sheet, report := filepath.Join(dir, "s.png"), filepath.Join(dir, "r.html")
	out, log := ok(t, "", small("compare", "--sampler", "euler,heun", "--schedule", "normal,karras", "--reference-steps", "8", "-o", sheet, "--report", report, "--json")...)
	var trials []lab.Trial
	require.NoError(t, json.Unmarshal([]byte(out), &trials))
	require.Len(t, trials, 4)
	require.Contains(t, log, "reference of 8 steps")
	img, err := readImage(t.Context(), sheet)
	require.NoError(t, err)
	require.Equal(t, 4*(64+2*demoMargin), img.Bounds().Dx())
	require.FileExists(t, report)

	out, _ = ok(t, "", small("trace", "--parts", "2")...)
	require.Regexp(t, `\| 3 +\| [0-9.]+ \| 0 +\|`, out)
	record := filepath.Join(dir, "r.safetensors")
	ok(t, "", small("replay", "--record", "--sampler", "euler_a", record)...)
	out, _ = ok(t, "", "lab", "replay", record)
	require.Contains(t, out, "the same latents after 3 calls")
	_, _, err = run(t, t.Context(), "", "lab", "replay", "--sampler", "heun", record)
	require.ErrorContains(t, err, "heun leaves the recording of euler_a at call 2")
}

// Guidance, noise and dialect of the lab's commands are those of txt2img.
func TestLabTakesGuidance(t *testing.T) {
	if testing.Short() {
		t.Skip("fifteen recordings, each replayed")
	}
	dir := t.TempDir()
	record := func(args ...string) string {
		path := filepath.Join(dir, "r.safetensors")
		ok(t, "", append([]string{"lab", "replay", "--record", "-m", model("a"), "-p", "x", "--width", "64", "--height", "64", "--steps", "3", "--sampler", "ddim", path}, args...)...)
		out, _ := ok(t, "", "lab", "replay", path)
		require.Contains(t, out, "the same latents after 3 calls", args)
		f, err := safetensors.Open(path)
		require.NoError(t, err)
		defer f.Close()
		latents, err := f.Tensor("latents")
		require.NoError(t, err)
		return string(latents.Bytes())
	}
	seen := map[string][]string{record(): nil}
	for _, args := range [][]string{{"--cfg", "7"}, {"--cfg-rescale", "0.7"}, {"--guidance", "apg", "--apg-norm", "2"}, {"--cfg-interval", "0.34,1"}, {"--cfg-schedule", "7,3"},
		{"--mimic", "2"}, {"--pag-scale", "3"}, {"--sag", "0.75"}, {"--freeu", "1.3,1.4,0.9,0.2"}, {"--eta", "1"}, {"--eta", "1", "--s-noise", "0.5"}, {"-n", "y"},
		{"--schedule", "beta", "--dialect", "comfy"}, {"--schedule", "beta"}} {
		latents := record(args...)
		require.NotContains(t, seen, latents, args)
		seen[latents] = args
	}
	sheet := filepath.Join(dir, "s.png")
	height := func(args ...string) int {
		out, _ := ok(t, "", append([]string{"lab", "compare", "-m", model("a"), "-p", "x", "--width", "64", "--height", "64", "--steps", "2", "--sampler", "euler,ddim",
			"--reference-steps", "4", "--json", "-o", sheet}, args...)...)
		var trials []lab.Trial
		require.NoError(t, json.Unmarshal([]byte(out), &trials))
		require.NotNil(t, trials[0].Latents)
		require.Equal(t, len(args) == 0, trials[1].Latents != nil, "with eta ddim has no distance")
		img, err := readImage(t.Context(), sheet)
		require.NoError(t, err)
		return img.Bounds().Dy()
	}
	require.Less(t, height(), height("--eta", "1", "--sag", "0.75", "--cfg-rescale", "0.7", "--cfg-schedule", "linear"), "the captions grow by what was given")
	_, _, err := run(t, t.Context(), "", "lab", "trace", "-m", model("a"), "--sampler", "ddim", "--eta", "1", "--width", "64", "--height", "64", "--steps", "2", "--parts", "1")
	require.ErrorContains(t, err, "ddim adds noise")
}

func TestLabSigmasAndSpeed(t *testing.T) {
	out, _ := ok(t, "", "lab", "sigmas", "--steps", "3", "--spacing", "linspace", "--schedule", "normal,karras")
	require.Regexp(t, `\| 0 +\| 14\.61465 +\| 14\.61465 +\|`, out)
	out, log := ok(t, "", "lab", "speed", "--sampler", "euler,uni_pc", "--size", "64x64", "--time", "1us")
	require.Regexp(t, `\| euler +\| [0-9.]+`, out)
	require.Contains(t, log, "latents of 64x64")
}

func TestLabFaults(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "x.png")
	for want, args := range map[string][]string{
		`no sampler "eular"; the nearest are`:  {"converge", "--sampler", "eular"},
		"these add noise":                      {"converge", "--sampler", "euler_a"},
		`no problem "x"`:                       {"converge", "--problem", "x"},
		"0 steps, want 1 or more":              {"converge", "--steps", "0,4"},
		"want a name that ends in .png":        {"converge", "--plot", "a.jpg"},
		"none":                                 {"converge", "--report", filepath.Join(dir, "none", "r.html")},
		`no sampler "x"; the nearest are`:      {"compare", "--sampler", "x", "-o", out},
		`no schedule "x"; the nearest are`:     {"compare", "-m", model("a"), "--schedule", "x", "-o", out},
		"0 steps, want 1 to 1000":              {"compare", "-m", model("a"), "--steps", "0", "-o", out},
		"--reference-steps 0":                  {"compare", "-m", model("a"), "--reference-steps", "0", "-o", out},
		"--parts 0":                            {"trace", "-m", model("a"), "--parts", "0"},
		"sag is -1, want 0 to 100":             {"compare", "-m", model("a"), "--sag", "-1", "-o", out},
		"eta is 2, want 0 to 1":                {"trace", "-m", model("a"), "--eta", "2"},
		`dialect is "x"`:                       {"replay", "--record", "-m", model("a"), "--dialect", "x", filepath.Join(dir, "r")},
		"euler_a adds noise":                   {"trace", "-m", model("a"), "--sampler", "euler_a"},
		"no such file":                         {"replay", filepath.Join(dir, "none.safetensors")},
		"--size 30x30: want multiples of 8":    {"speed", "--size", "30x30"},
		`no schedule "steep"; the nearest are`: {"sigmas", "--schedule", "steep"},
	} {
		t.Run(want, func(t *testing.T) {
			_, _, err := run(t, t.Context(), "", append([]string{"lab"}, args...)...)
			require.ErrorContains(t, err, want)
			requireEmpty(t, dir)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := run(t, ctx, "", "lab", "compare", "-m", model("a"), "-o", out, "--report", filepath.Join(dir, "r.html"))
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)
}
