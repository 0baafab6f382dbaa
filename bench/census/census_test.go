package census_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/bench/mkmodel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// TestBaseModel compares with the layers of SDXL counted by hand: 13.52 TFLOP
// for a step at 1024 x 1024 pixels with guidance.
func TestBaseModel(t *testing.T) {
	a, err := mkmodel.Architecture("sdxl-base")
	require.NoError(t, err)
	m, err := a.Networks()
	require.NoError(t, err)
	g, err := m.UNet.Graph(unet.Shape{Batch: 2, Height: 128, Width: 128, Tokens: 77})
	require.NoError(t, err)
	entries, err := census.Of(g)
	require.NoError(t, err)
	require.InEpsilon(t, 13.52e12, census.FLOPs(entries), 1e-3)
}

func weight(shape ...int) *nn.Weight { return &nn.Weight{Name: "w", DType: tensor.F16, Shape: shape} }

func TestOf(t *testing.T) {
	g, err := nn.Record(func(g *nn.Graph) {
		x := g.Input("x", tensor.F32, 2, 8, 6, 4)
		for range 3 {
			x = g.Conv2D(x, nn.Conv2D{Weight: weight(4, 4, 3, 3), Pad: nn.Pad(1)})
		}
		x = g.Conv2D(x, nn.Conv2D{Weight: weight(16, 4, 3, 3), Stride: 2, Pad: nn.Pad(1)})
		y := g.Reshape(x, 2, 12, 16)
		y = g.Linear(y, nn.Linear{Weight: weight(16, 16)})
		g.Output("y", g.Attention(y, y, y, nn.Attention{Heads: 4}))
	})
	require.NoError(t, err)
	entries, err := census.Of(g)
	require.NoError(t, err)
	conv := census.Conv{B: 2, H: 8, W: 6, CI: 4, CO: 4, KH: 3, KW: 3, Stride: 1, Pad: nn.Pad(1)}
	strided := conv
	strided.CO, strided.Stride = 16, 2
	require.Equal(t, []census.Entry{
		{Shape: conv, Count: 3},
		{Shape: strided, Count: 1},
		{Shape: census.Attention{B: 2, Heads: 4, TQ: 12, TK: 12, D: 4}, Count: 1},
		{Shape: census.Linear{M: 24, N: 16, K: 16}, Count: 1},
	}, entries)
	require.Equal(t, 2.0*2*8*6*4*4*9, conv.FLOPs())
	require.Equal(t, 2.0*2*4*3*16*4*9, strided.FLOPs())
	require.Equal(t, 3*conv.FLOPs()+strided.FLOPs()+2*24*16*16+4*2*4*12*12*4, census.FLOPs(entries))
	require.Equal(t, 2.0*16*16+4*24*16+4*24*16, census.Linear{M: 24, N: 16, K: 16}.Bytes(2, 4))
	require.Equal(t, 2.0*16*4*9+4*2*8*6*4+4*2*4*3*16, strided.Bytes(2, 4))
}
