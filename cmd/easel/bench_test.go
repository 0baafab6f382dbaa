package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

func TestBenchPeak(t *testing.T) {
	out, _ := ok(t, "", "bench", "peak", "--threads", "1", "--time", "1ms", "--json")
	var r struct {
		Arithmetic []struct {
			DType string
			Gops  float64
		}
		Memory []struct {
			Read float64 `json:"read_gbs"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Equal(t, "F32", r.Arithmetic[0].DType)
	require.Greater(t, r.Arithmetic[0].Gops, 0.0)
	require.Greater(t, r.Memory[0].Read, 0.0)
}

func TestBenchKernelsCountsTheWholeNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("a plot, and each kernel against a plain sum; they have tests of their own")
	}
	dir := t.TempDir()
	plot := filepath.Join(dir, "roof.svg")
	args := []string{"--preset", "sdxl-tiny", "--size", "64", "--batch", "1", "--time", "1us"}
	out, _ := ok(t, "", append([]string{"bench", "kernels", "clip", "--json", "--plot", plot}, args...)...)
	require.FileExists(t, plot)
	var r kernelReport
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	linear, attention := 0, 0
	for _, k := range r.Kernels {
		require.Less(t, k.Error, 1e-4)
		require.Greater(t, k.GFLOPS, 0.0)
		switch k.Kind {
		case "linear":
			linear += k.Count
		case "attention":
			attention += k.Count
		}
	}
	require.Equal(t, 6*2+6*2+1, linear, "six a layer, less what the last layer's hidden state needs, and a projection")
	require.Equal(t, 2+2, attention)
}

func TestBenchNetworks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiny.safetensors")
	ok(t, "", "mkmodel", "--preset", "sdxl-tiny", "-o", path)
	for name, want := range map[string][]string{"unet": {"unet"}, "vae": {"vae"}, "clip": {"clip-l", "clip-g"}} {
		args := []string{"bench", name, "-m", path, "--runs", "2", "--json"}
		if name != "clip" {
			args = append(args, "--size", "64", "--dtype", "bf16")
		}
		out, _ := ok(t, "", args...)
		var r networkReport
		require.NoError(t, json.Unmarshal([]byte(out), &r))
		require.Len(t, r.Networks, len(want))
		for i, n := range r.Networks {
			require.Equal(t, want[i], n.Network)
			require.Len(t, n.Seconds, 2)
			require.Greater(t, n.FLOPs, 1e6)
			require.Greater(t, n.Median, 0.0)
		}
	}
	plot := filepath.Join(t.TempDir(), "scale.png")
	out, _ := ok(t, "", "bench", "scale", "vae", "-m", path, "--sizes", "32,64", "--plot", plot)
	require.Contains(t, out, "vae")
	require.FileExists(t, plot)
}

func TestBenchFaults(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"--size 100: want a multiple of 8": {"unet", "-m", model("a"), "--size", "100"},
		"--batch -1":                       {"kernels", "--preset", "sdxl-tiny", "--batch", "-1"},
		"--runs 0":                         {"vae", "-m", model("a"), "--runs", "0"},
		`no preset "x"`:                    {"kernels", "--preset", "x"},
		"linear/":                          {"kernels", "clip", "--preset", "sdxl-tiny", "--only", "^none"},
		`--dtype "f8"`:                     {"vae", "-m", model("a"), "--dtype", "f8"},
		"--threads 0: want 1":              {"peak", "--threads", "0"},
		"ends in .png, .svg":               {"scale", "-m", model("a"), "--plot", filepath.Join(dir, "x.txt")},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"bench"}, args...)...)
		require.ErrorContains(t, err, want)
	}
	requireEmpty(t, dir)
}

func TestMkmodel(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "tiny") + string(os.PathSeparator)
	ok(t, "", "mkmodel", "--preset", "sdxl-tiny", "-o", folder)
	_, err := sdxl.Inspect(folder, sdxl.OpenOptions{})
	require.NoError(t, err)
	_, _, err = run(t, t.Context(), "", "mkmodel", "-o", folder)
	require.ErrorContains(t, err, "already exists")
	_, _, err = run(t, t.Context(), "", "mkmodel", "--preset", "x", "-o", "y")
	require.ErrorContains(t, err, "sdxl-base")
	_, _, err = run(t, t.Context(), "", "mkmodel")
	require.ErrorContains(t, err, "-o")
}
