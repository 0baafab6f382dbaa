package demo_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/safetensors/quantised"
	"github.com/df65613c/easel/sdxl"
)

// quantise writes the model in a scheme and opens it.
func quantise(t *testing.T, s quantised.Scheme) *sdxl.Model {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("model")))
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.safetensors"))
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, path := range files {
		f, err := safetensors.Open(path)
		require.NoError(t, err)
		require.NoError(t, quantised.Write(t.Context(), path+".tmp", f, s))
		require.NoError(t, f.Close())
		require.NoError(t, os.Rename(path+".tmp", path))
	}
	m, err := sdxl.Open(dir, sdxl.OpenOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// TestPicturesOfQuantisedModels holds whole pictures to those of the model as it
// is in float32. The error of 4 bits changes pictures of so small a model.
func TestPicturesOfQuantisedModels(t *testing.T) {
	reference := pipeline(t)
	for _, c := range []struct {
		scheme    quantised.Scheme
		precision nn.Precision
		least     float64 // dB
	}{{quantised.Int8, nn.F32, 38}, {quantised.Int8, nn.Int8, 38}, {quantised.Q8, nn.BF16, 38}, {quantised.Q4, nn.F32, 20}} {
		t.Run(string(c.scheme)+" in "+string(c.precision), func(t *testing.T) {
			b := cpu.New(cpu.Options{Precision: c.precision})
			defer b.Close()
			pipe := sdxl.NewPipeline(quantise(t, c.scheme), b, sdxl.PipelineOptions{})
			for seed, prompt := range []string{"a red circle above a blue square", "three green stars"} {
				o := sdxl.Options{Prompt: prompt, Steps: new(12), Seed: new(int64(seed))}
				want, err := reference.Generate(context.Background(), o)
				require.NoError(t, err)
				got, err := pipe.Generate(context.Background(), o)
				require.NoError(t, err)
				db := psnr(want.Images[0].Pix, got.Images[0].Pix)
				t.Logf("%s: %.1f dB", prompt, db)
				require.Greater(t, db, c.least, prompt)
				require.Less(t, db, 70.0, "the model is quantised")
			}
		})
	}
}
