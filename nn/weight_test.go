package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

func TestCheckScale(t *testing.T) {
	weight := func(dt tensor.DType, shape ...int) *nn.Weight { return &nn.Weight{Name: "w", DType: dt, Shape: shape} }
	for _, c := range []struct {
		weight, scale *nn.Weight
		fault         string // "" is none
	}{
		{weight(tensor.F16, 3, 64), nil, ""},
		{weight(tensor.I8, 3, 50), weight(tensor.F32, 3), ""},
		{weight(tensor.I8, 3, 64), weight(tensor.F16, 3, 2), ""},
		{weight(tensor.F4, 3, 32, 3, 3), weight(tensor.F16, 3, 9), ""},
		{weight(tensor.F16, 3, 64), weight(tensor.F32, 3), "w is F16, which has no scale"},
		{weight(tensor.I8, 3), weight(tensor.F32, 3), "only matrices"},
		{weight(tensor.I8, 3, 64), nil, "w is I8 and has no scale"},
		{weight(tensor.I8, 3, 64), weight(tensor.F32, 4), "F32[4], want F32[3] or F16[3 2]"},
		{weight(tensor.F4, 3, 64), weight(tensor.F32, 3), "F32[3], want F16[3 2]"},
		{weight(tensor.F4, 3, 40), weight(tensor.F16, 3, 1), "rows of 40, want a multiple of 32"},
	} {
		c.weight.Scale = c.scale
		err := c.weight.CheckScale()
		if c.fault == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.fault)
	}
}
