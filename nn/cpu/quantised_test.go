package cpu_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

// scaled returns a weight of 8-bit integers.
func scaled(scales ...float32) *nn.Weight {
	s, err := tensor.FromSlice(scales, len(scales))
	if err != nil {
		panic(err)
	}
	w := nn.Param("w", tensor.New(tensor.I8, len(scales), 64))
	w.Scale = nn.Param("w_scale", s)
	return w
}

func TestFaultsOfQuantisedWeights(t *testing.T) {
	strided := scaled(1, 1, 1)
	strided.Load = func() (*tensor.Tensor, error) { return tensor.New(tensor.I8, 64, 3).Permute(1, 0) }
	bare := scaled(1, 1, 1)
	bare.Scale = nil
	for want, op := range map[string]nn.Linear{
		"scale 1 is -2, want 0 or more":          {Weight: scaled(1, -2, 1)},
		"scale 2 is NaN":                         {Weight: scaled(1, 1, float32(math.NaN()))},
		"must be contiguous":                     {Weight: strided},
		"w is I8 and has no scale":               {Weight: bare},
		"b is I8; only matrices and kernels may": {Weight: scaled(1, 1, 1), Bias: nn.Param("b", tensor.New(tensor.I8, 3))},
	} {
		g, err := nn.Record(func(g *nn.Graph) { g.Output("y", g.Linear(g.Input("x", tensor.F32, 2, 64), op)) })
		require.NoError(t, err)
		b := cpu.New(cpu.Options{Threads: 1})
		_, err = nn.Compile(context.Background(), b, g, nn.CompileOptions{})
		require.ErrorContains(t, err, want)
		require.NoError(t, b.Close())
	}
}
