package adapt_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// write writes an adapter of tensors of some shapes, all of ones.
func write(t *testing.T, path string, shapes map[string]tensor.Shape, metadata map[string]string) string {
	tensors := make(map[string]*tensor.Tensor)
	for name, shape := range shapes {
		x := tensor.New(tensor.F32, shape...)
		for i := range x.Float32s() {
			x.Float32s()[i] = 1
		}
		tensors[name] = x
	}
	require.NoError(t, safetensors.WriteFile(path, tensors, metadata))
	return path
}

// fit fits an adapter to a model of a matrix, a kernel and a vector.
func fit(t *testing.T, path string) (*adapt.Fitted, error) {
	f, err := adapt.Open(path)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f.Fit(adapt.NewTargets([]adapt.Target{
		{Component: "unet", Name: "matrix.weight", Shape: []int{8, 6}}, {Component: "unet", Name: "matrix.bias", Shape: []int{8}},
		{Component: "unet", Name: "kernel.weight", Shape: []int{8, 6, 3, 3}}, {Component: "unet", Name: "vector.weight", Shape: []int{8}},
		{Component: "text_encoder", Name: "layer.q_proj.weight", Shape: []int{4, 4}},
	}))
}

// kinds are files of every kind, by the module that they fit.
var kinds = map[string]map[string]tensor.Shape{
	"LoRA":           {"matrix.lora_up.weight": {8, 2}, "matrix.lora_down.weight": {2, 6}, "matrix.alpha": {1}},
	"LoCon":          {"kernel.lora_up.weight": {8, 2, 1, 1}, "kernel.lora_down.weight": {2, 6, 3, 3}},
	"LoCon (CP)":     {"kernel.lora_up.weight": {8, 2, 1, 1}, "kernel.lora_mid.weight": {2, 2, 3, 3}, "kernel.lora_down.weight": {2, 6, 1, 1}},
	"LoHa":           {"matrix.hada_w1_a": {8, 2}, "matrix.hada_w1_b": {2, 6}, "matrix.hada_w2_a": {8, 2}, "matrix.hada_w2_b": {2, 6}},
	"LoHa (CP)":      {"kernel.hada_t1": {2, 2, 3, 3}, "kernel.hada_w1_a": {2, 8}, "kernel.hada_w1_b": {2, 6}, "kernel.hada_t2": {2, 2, 3, 3}, "kernel.hada_w2_a": {2, 8}, "kernel.hada_w2_b": {2, 6}},
	"LoKr":           {"matrix.lokr_w1": {2, 2}, "matrix.lokr_w2": {4, 3}},
	"LoKr, of parts": {"matrix.lokr_w1_a": {2, 1}, "matrix.lokr_w1_b": {1, 2}, "matrix.lokr_w2_a": {4, 1}, "matrix.lokr_w2_b": {1, 3}},
	"LoKr, of cores": {"kernel.lokr_w1": {2, 2}, "kernel.lokr_t2": {2, 2, 3, 3}, "kernel.lokr_w2_a": {2, 4}, "kernel.lokr_w2_b": {2, 3}},
	"GLoRA":          {"matrix.a1.weight": {2, 6}, "matrix.a2.weight": {6, 2}, "matrix.b1.weight": {2, 6}, "matrix.b2.weight": {8, 2}},
	"OFT":            {"matrix.oft_blocks": {4, 2, 2}, "matrix.rescale": {8, 1}},
	"OFT, whole":     {"matrix.oft_diag": {4, 2, 2}},
	"BOFT":           {"matrix.oft_blocks": {3, 4, 2, 2}},
	"IA3":            {"matrix.weight": {6}, "matrix.on_input": {1}},
	"full":           {"matrix.diff": {8, 6}, "matrix.diff_b": {8}},
	"full, set":      {"matrix.set_weight": {8, 6}},
	"DoRA (LoRA)":    {"matrix.lora_up.weight": {8, 2}, "matrix.lora_down.weight": {2, 6}, "matrix.dora_scale": {8, 1}},
}

// TestShapesOfParts: a file of every kind fits; where any axis of any of its parts is
// one longer, a part has lost its last axis, or all is for a vector, it does not.
func TestShapesOfParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for name, parts := range kinds {
		kind, _, _ := strings.Cut(name, ",")
		fitted, err := fit(t, write(t, path, parts, nil))
		require.NoError(t, err, name)
		require.NoError(t, fitted.Err())
		require.Len(t, fitted.Places, 1)
		require.Equal(t, kind, fitted.Places[0].Kind)
		for part, shape := range parts {
			for axis := range shape {
				changed := maps.Clone(parts)
				changed[part] = slices.Clone(shape)
				changed[part][axis]++
				_, err := fit(t, write(t, path, changed, nil))
				require.Error(t, err, "%s: %s%v", name, part, changed[part])
			}
			if last := len(shape) - 1; shape[last] != 1 && kind != "IA3" { // whose numbers repeat over the columns
				changed := maps.Clone(parts)
				changed[part] = shape[:last]
				_, err := fit(t, write(t, path, changed, nil))
				require.Error(t, err, "%s: %s%v", name, part, changed[part])
			}
		}
		vector := make(map[string]tensor.Shape)
		for part, shape := range parts {
			_, rest, _ := strings.Cut(part, ".")
			vector["vector."+rest] = shape
		}
		_, err = fit(t, write(t, path, vector, nil))
		require.Error(t, err, "%s for a vector", name)
	}
	_, err := fit(t, write(t, path, map[string]tensor.Shape{"vector.diff": {8}}, nil))
	require.NoError(t, err)
}

// TestProductsAreBounded: factors of a few bytes do not make weights larger than the model's.
func TestProductsAreBounded(t *testing.T) {
	const n = 20_000
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for name, parts := range map[string]map[string]tensor.Shape{
		"core":           {"kernel.lora_up.weight": {8, 2, 1, 1}, "kernel.lora_mid.weight": {n, 1, 1, 1}, "kernel.lora_down.weight": {1, n, 1, 1}},
		"core, rows":     {"kernel.lora_up.weight": {8, n, 1, 1}, "kernel.lora_mid.weight": {n, 1, 3, 3}, "kernel.lora_down.weight": {1, 6, 1, 1}},
		"core of LoHa":   {"kernel.hada_t1": {n, 1}, "kernel.hada_w1_a": {2, 8}, "kernel.hada_w1_b": {1, n}, "kernel.hada_w2_a": {2, 8}, "kernel.hada_w2_b": {2, 6}},
		"parts of LoKr":  {"matrix.lokr_w1": {2, 2}, "matrix.lokr_w2_a": {n, 1}, "matrix.lokr_w2_b": {1, n}},
		"first of LoKr":  {"matrix.lokr_w2": {2, 2}, "matrix.lokr_w1_a": {n, 1}, "matrix.lokr_w1_b": {1, n}},
		"columns":        {"matrix.lokr_w1": {2, 2}, "matrix.lokr_w2_a": {8, 1}, "matrix.lokr_w2_b": {1, 7}},
		"rows":           {"matrix.lokr_w1": {2, 2}, "matrix.lokr_w2_a": {9, 1}, "matrix.lokr_w2_b": {1, 6}},
		"core of LoKr":   {"kernel.lokr_w1": {2, 2}, "kernel.lokr_t2": {2, 2, 3, 3}, "kernel.lokr_w2_a": {2, n}, "kernel.lokr_w2_b": {2, 3}},
		"columns of all": {"kernel.lokr_w1": {2, 2}, "kernel.lokr_t2": {2, 2, 3, 3}, "kernel.lokr_w2_a": {2, 4}, "kernel.lokr_w2_b": {2, 7}},
	} {
		write(t, path, parts, nil)
		size := 0
		for _, shape := range parts {
			size += 4 * shape.NumElements()
		}
		bounded.Check(t, size, bounded.Text, func() {
			_, err := fit(t, path)
			require.Error(t, err, name)
		})
	}
}
