//go:build linux || darwin

package tensor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// An operation on a mapped file that was truncated is an error, not the end of the program.
func TestTruncatedFileIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	require.NoError(t, safetensors.WriteFile(path, map[string]*tensor.Tensor{"w": tensor.New(tensor.F32, 1000, 1000)}, nil))
	f, err := safetensors.Open(path)
	require.NoError(t, err)
	defer f.Close()
	w, err := f.Tensor("w")
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 4096))
	_, err = tensor.Add(w, w)
	require.ErrorContains(t, err, "fault")
	_, err = tensor.Sum(w, false)
	require.ErrorContains(t, err, "fault")
	_, err = tensor.MatMul(w, w)
	require.ErrorContains(t, err, "fault")
}
