package golden_test

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/golden/picturetest"
)

func TestRelErr(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		got, want []float32
		err       float64
	}{
		{[]float32{3, 4}, []float32{3, 4}, 0},
		{[]float32{3, 4.5}, []float32{3, 4}, 0.1},
		{[]float32{0.25}, []float32{0}, 0.25}, // absolute where nothing is expected
		{[]float32{}, []float32{}, 0},
		{[]float32{1}, []float32{1, 0}, math.Inf(1)},
		{[]float32{nan}, []float32{1}, math.Inf(1)},
		{[]float32{1}, []float32{nan}, math.Inf(1)},
		{[]float32{1}, []float32{inf}, math.Inf(1)},
	} {
		require.InDelta(t, c.err, golden.RelErr(c.got, c.want), 1e-12, "%v for %v", c.got, c.want)
	}
}

// TestCases holds that each trace has its parameters and its 8-bit pictures.
func TestCases(t *testing.T) {
	for _, model := range golden.Models {
		for _, name := range golden.Names(t, model, "pictures") {
			c := picturetest.ReadCase(t, golden.Path(model, "pictures"), name)
			require.Equal(t, name, c.Name)
			image := golden.Tensors(t, golden.Path(model, "pictures", name+".safetensors"))["image"]
			require.NotNil(t, image, name)
			for i := range image.Shape()[0] {
				_, err := os.Stat(golden.Path(model, "pictures", fmt.Sprintf("%s-%d.png", name, i+1)))
				require.NoError(t, err)
			}
		}
	}
}
