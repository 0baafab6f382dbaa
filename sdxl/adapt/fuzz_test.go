package adapt_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
)

// FuzzAdapter: any file gives an adapter that fits the model, or an error, and
// nothing else.
func FuzzAdapter(f *testing.F) {
	m, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{})
	require.NoError(f, err)
	defer m.Close()
	list, err := m.AdapterTargets()
	require.NoError(f, err)
	targets := adapt.NewTargets(list)
	for _, name := range []string{"boft", "lokr-cp", "oft-limit", "ia3"} {
		data, err := os.ReadFile(golden.Path("adapters", name+".safetensors"))
		require.NoError(f, err)
		f.Add(data)
	}
	path := filepath.Join(f.TempDir(), "x.safetensors")
	most := bounded.Text // and what is made of factors is no larger than a weight of the model
	most.Bytes *= 16
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		bounded.Check(t, len(data), most, func() { open(t, path, targets) })
	})
}

// open does with a file what a pipeline does.
func open(t *testing.T, path string, targets *adapt.Targets) {
	if e, err := adapt.OpenEmbedding(path, 16, 16); err == nil {
		require.NotEmpty(t, e.Token)
	}
	file, err := adapt.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	_ = file.Info()
	if _, err := file.Embeddings(16, 16); err != nil {
		return
	}
	fit, err := file.Fit(targets)
	if err != nil {
		return
	}
	_ = fit.Err()
	_ = adapt.NewSet([]adapt.Use{{Fitted: fit, UNet: 1, Text: 1}}).Key()
}
