package sdxl_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// TestProjectionAsALayer: the projection of the pooled text may be stored as that
// of a linear layer, the other way round and with .weight in its name.
func TestProjectionAsALayer(t *testing.T) {
	const key = "conditioner.embedders.1.model.text_projection"
	opts := sdxl.OpenOptions{Config: golden.Path("b", "model")}
	want := picture(t, golden.Path("b", "single.safetensors"), opts, 2)
	f, err := safetensors.Open(golden.Path("b", "single.safetensors"))
	require.NoError(t, err)
	defer f.Close()
	tensors := make(map[string]*tensor.Tensor)
	for _, name := range f.Names() {
		tensors[name], err = f.Tensor(name)
		require.NoError(t, err)
	}
	projection, err := tensors[key].Permute(1, 0)
	require.NoError(t, err)
	delete(tensors, key)
	tensors[key+".weight"], err = projection.Contiguous()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "layer.safetensors")
	require.NoError(t, safetensors.WriteFile(path, tensors, f.Metadata()))
	require.Equal(t, len(want), len(picture(t, path, opts, 2)))
	require.True(t, string(want) == string(picture(t, path, opts, 2)))
	require.NoError(t, os.Remove(path))
}
