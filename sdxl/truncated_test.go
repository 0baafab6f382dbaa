package sdxl_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
)

// TestFileCutShortWhileOpen takes the weights away under a model.
func TestFileCutShortWhileOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not let a mapped file be cut short")
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(golden.Path("a", "model"))))
	m := open(t, dir, sdxl.OpenOptions{})
	path := filepath.Join(dir, "unet", "diffusion_pytorch_model.safetensors")
	require.NoError(t, os.Truncate(path, 4096))
	steps := 1
	_, err := sdxl.NewPipeline(m, backend(t, 2), sdxl.PipelineOptions{}).Generate(context.Background(), sdxl.Options{Steps: &steps})
	require.ErrorContains(t, err, path)
}
