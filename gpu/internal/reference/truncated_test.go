//go:build linux || darwin

package reference_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/internal/reference"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// TestFileCutShortIsAnError truncates a mapped file before its rows are embedded, and
// before its matrix is copied to the device.
func TestFileCutShortIsAnError(t *testing.T) {
	const rows, width = 4096, 256
	path := filepath.Join(t.TempDir(), "w.safetensors")
	require.NoError(t, safetensors.WriteFile(path, map[string]*tensor.Tensor{"w": filled(rows, width)}, nil))
	ids := tensor.New(tensor.I32, 1, 1)
	last, err := tensor.Data[int32](ids)
	require.NoError(t, err)
	last[0] = rows - 1
	for name, record := range map[string]func(g *nn.Graph, w *nn.Weight){
		"embedding": func(g *nn.Graph, w *nn.Weight) {
			g.Output("y", g.Embedding(g.Input("ids", tensor.I32, 1, 1), nn.Embedding{Table: w}))
		},
		"matrix": func(g *nn.Graph, w *nn.Weight) {
			g.Output("y", g.Linear(g.Input("x", tensor.F32, 1, width), nn.Linear{Weight: w}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "w.safetensors")
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(copied, data, 0o600))
			f, err := safetensors.Open(copied)
			require.NoError(t, err)
			defer f.Close()
			w := &nn.Weight{Name: "w", DType: tensor.F32, Shape: tensor.Shape{rows, width}, Load: func() (*tensor.Tensor, error) { return f.Tensor("w") }}
			g, err := nn.Record(func(g *nn.Graph) { record(g, w) })
			require.NoError(t, err)
			b := backendOn(t, reference.New(run.Limits{}), run.Options{})
			defer b.Close()
			exe, err := nn.Compile(t.Context(), b, g, nn.CompileOptions{})
			require.NoError(t, err)
			defer exe.Close()
			require.NoError(t, os.Truncate(copied, 4096))
			src, y := nn.Tensors(ids), tensor.New(tensor.F32, g.Outputs()[0].Value.Shape()...)
			if name == "matrix" {
				src = nn.Tensors(filled(1, width))
			}
			require.ErrorContains(t, exe.Run(t.Context(), nn.Tensors(y), src), "was a mapped file cut short?")
		})
	}
}
