package checkpoint_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// TestOpenLooksAtTheContent: the format is what the file begins with, whatever its name.
func TestOpenLooksAtTheContent(t *testing.T) {
	for _, from := range []string{"types.gguf", "pickle/new.pt", "pickle/old.pt", "pickle/state.safetensors"} {
		data, err := os.ReadFile(golden.Path("files", from))
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "model.bin")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		f, err := checkpoint.Open(path)
		require.NoError(t, err, from)
		require.Greater(t, len(f.Names()), 10)
		require.NoError(t, f.Close())
	}
	// Headers of safetensors files whose length begins as a pickle does.
	dir, pickles := t.TempDir(), 0
	for n := range 700 {
		var data bytes.Buffer
		require.NoError(t, safetensors.Write(&data, map[string]*tensor.Tensor{"x": tensor.New(tensor.U8, 1)}, map[string]string{"k": strings.Repeat("x", n)}))
		if start := data.Bytes(); start[0] != 0x80 || start[1] < 2 {
			continue
		}
		pickles++
		path := filepath.Join(dir, fmt.Sprint(n))
		require.NoError(t, os.WriteFile(path, data.Bytes(), 0o600))
		f, err := checkpoint.Open(path)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	require.Positive(t, pickles)
	_, err := checkpoint.Open(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
