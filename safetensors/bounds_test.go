package safetensors

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

// TestTensorInTwoShards: a name must have one home.
func TestTensorInTwoShards(t *testing.T) {
	dir := t.TempDir()
	for _, shard := range []string{"a", "b"} {
		require.NoError(t, WriteFile(filepath.Join(dir, shard+".safetensors"), map[string]*tensor.Tensor{"x": tensor.New(tensor.F32, 2), shard: tensor.New(tensor.F32, 2)}, nil))
	}
	index := filepath.Join(dir, "model.safetensors.index.json")
	require.NoError(t, os.WriteFile(index, []byte(`{"weight_map":{"x":"a.safetensors","a":"a.safetensors","b":"b.safetensors"}}`), 0o600))
	_, err := OpenSharded(index)
	require.ErrorContains(t, err, "x")
	require.ErrorContains(t, err, "too")
}

// TestIndexSize: an index of the largest size is read, and one of a byte more is not.
func TestIndexSize(t *testing.T) {
	for size, want := range map[int64]string{maxHeaderSize + 1: fmt.Sprintf("an index of %d bytes is above the limit of %d", maxHeaderSize+1, maxHeaderSize)} {
		path := filepath.Join(t.TempDir(), "model.safetensors.index.json")
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Truncate(path, size)) // sparse
		_, err := OpenSharded(path)
		require.ErrorContains(t, err, want)
	}
}
