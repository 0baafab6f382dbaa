package adapt_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// plain has every weight, without a change.
type plain struct{}

func (plain) Weight(name string, shape ...int) *nn.Weight {
	return nn.Param(name, tensor.New(tensor.F32, shape...))
}

// deltas returns what an adapter adds to the model's matrix, its kernel or its bias.
func deltas(t *testing.T, fitted *adapt.Fitted, strength float64) []nn.Delta {
	w := adapt.NewSet([]adapt.Use{{Fitted: fitted, UNet: strength}}).Weights("unet", plain{})
	all := append([]nn.Delta{}, w.Weight("matrix.weight", 8, 6).Deltas...)
	all = append(all, w.Weight("kernel.weight", 8, 6, 3, 3).Deltas...)
	return append(all, w.Weight("matrix.bias", 8).Deltas...)
}

// TestScaleOfEveryKind: a change has the strength that it is used with, times alpha over the rank.
func TestScaleOfEveryKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for name, parts := range kinds {
		fitted, err := fit(t, write(t, path, parts, nil))
		require.NoError(t, err)
		for _, strength := range []float64{1, 0.5} {
			list := deltas(t, fitted, strength)
			require.NotEmpty(t, list, name)
			for _, d := range list {
				want := strength
				if _, low := d.(nn.LowRank); low && parts["matrix.alpha"] != nil {
					want /= 2 // alpha is 1, the rank 2
				}
				require.InDelta(t, want, reflect.ValueOf(d).FieldByName("Scale").Float(), 1e-7, "%s: %T", name, d)
			}
		}
	}
}

// TestDirections: lengths are of columns where the shape says so in a file of LyCORIS, else of rows; a
// factor is of columns where the file says so.
func TestDirections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	lora := map[string]tensor.Shape{"matrix.lora_up.weight": {8, 2}, "matrix.lora_down.weight": {2, 6}}
	for key, c := range map[string]struct {
		shape   tensor.Shape
		columns bool
	}{
		"matrix.dora_scale": {tensor.Shape{1, 6}, true}, "unet.matrix.dora_scale": {tensor.Shape{8, 1}, false},
	} {
		parts := make(map[string]tensor.Shape)
		start, _ := strings.CutSuffix(key, "matrix.dora_scale")
		for k, shape := range lora {
			parts[start+k] = shape
		}
		parts[key] = c.shape
		fitted, err := fit(t, write(t, path, parts, nil))
		require.NoError(t, err, key)
		require.Equal(t, c.columns, deltas(t, fitted, 1)[0].(nn.Directed).Columns, key)
	}
	_, err := fit(t, write(t, path, map[string]tensor.Shape{"matrix.lora_A.weight": {2, 6}, "matrix.lora_B.weight": {8, 2}, "matrix.lora_magnitude_vector.weight": {1, 6}}, nil))
	require.ErrorContains(t, err, "has lengths for neither", "PEFT's are of rows")
	fitted, err := fit(t, write(t, path, map[string]tensor.Shape{"matrix.weight": {6}, "matrix.on_input": {1}}, nil))
	require.NoError(t, err)
	require.True(t, deltas(t, fitted, 1)[0].(nn.Rescale).Columns)
}
