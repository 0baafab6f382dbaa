package sdxl_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
)

// TestCacheOfParts holds pictures that are made under a limit of memory, in parts
// of the batch, to those without one, byte by byte.
func TestCacheOfParts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("work memory in files is for Unix")
	}
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{})
	p := sdxl.NewPipeline(m, backend(t, 2), sdxl.PipelineOptions{})
	o := sdxl.Options{Prompt: "a red circle", Steps: new(5), Seed: new(int64(3)), Width: 64, Height: 64, Batch: new(2), Cache: "deepcache:2:2"}
	want, err := p.Generate(context.Background(), o)
	require.NoError(t, err)
	parts := make(map[int]bool)
	for _, memory := range []int64{50 << 20, 51 << 20, 52 << 20, 54 << 20, 56 << 20} {
		p := sdxl.NewPipeline(m, backend(t, 2), sdxl.PipelineOptions{Memory: memory})
		stages, err := p.Plan(context.Background(), o)
		require.NoError(t, err)
		for _, s := range stages {
			if s.Name == "unet" {
				parts[s.Runs/3] = true
			}
		}
		got, err := p.Generate(context.Background(), o)
		require.NoError(t, err)
		for i, img := range want.Images {
			require.Equal(t, img.Pix, got.Images[i].Pix)
		}
	}
	require.Greater(t, len(parts), 1, "memory makes no difference")
	again, err := p.Generate(context.Background(), want.Parameters)
	require.NoError(t, err)
	require.Equal(t, want.Images[1].Pix, again.Images[1].Pix)
	o.Cache = ""
	plain, err := p.Generate(context.Background(), o)
	require.NoError(t, err)
	require.NotEqual(t, plain.Images[0].Pix, want.Images[0].Pix, "the cache is not in use")
}

func TestPlanOfACache(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{})
	p := sdxl.NewPipeline(m, backend(t, 1), sdxl.PipelineOptions{})
	runs := func(cache string) map[string]int {
		stages, err := p.Plan(context.Background(), sdxl.Options{Steps: new(7), Cache: cache})
		require.NoError(t, err)
		n := make(map[string]int)
		for _, s := range stages {
			n[s.Name] = s.Runs
		}
		return n
	}
	require.Equal(t, 7, runs("")["unet"])
	require.Equal(t, 7, runs("first-block:0.1")["unet"], "at most")
	require.Equal(t, 7, runs("first-block:0.1")["unet-shallow"])
	require.Equal(t, 3, runs("deepcache:3")["unet"])
	require.Equal(t, 4, runs("deepcache:3")["unet-shallow"])
}

func TestPlanOfGuidance(t *testing.T) {
	p := sdxl.NewPipeline(open(t, golden.Path("a", "model"), sdxl.OpenOptions{}), backend(t, 1), sdxl.PipelineOptions{})
	stages, err := p.Plan(context.Background(), sdxl.Options{Steps: new(3), SAG: 1, PAG: &sdxl.PAG{Scale: 1}})
	require.NoError(t, err)
	rows := make(map[string]int)
	for _, s := range stages {
		rows[s.Name] = s.Runs * s.Batch
	}
	require.Equal(t, 6, rows["unet"])
	require.Equal(t, 3, rows["unet-pag"])
	require.Equal(t, 3, rows["unet-sag"])
}

func TestBadCaches(t *testing.T) {
	m := open(t, golden.Path("a", "model"), sdxl.OpenOptions{})
	p := sdxl.NewPipeline(m, backend(t, 1), sdxl.PipelineOptions{})
	for cache, want := range map[string]string{
		"deep":           "want deepcache:INTERVAL or deepcache:INTERVAL:BRANCH, such as deepcache:3, or first-block:THRESHOLD",
		"deepcache":      "want deepcache:INTERVAL",
		"deepcache:2:x":  "want deepcache:INTERVAL",
		"deepcache:1":    "want an interval of 2",
		"deepcache:2:99": "want a branch of 0 to 8",
		"first-block":    "such as first-block:0.1",
		"first-block:x":  "want a threshold above 0 and up to 1",
		"first-block:2":  "want a threshold above 0 and up to 1",
	} {
		_, err := p.Generate(context.Background(), sdxl.Options{Cache: cache})
		require.ErrorContains(t, err, want)
	}
}
