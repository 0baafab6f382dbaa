package nn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/nntest"
	"github.com/df65613c/easel/tensor"
)

func everyOp(nn.Op, tensor.DType) bool { return true }

func numbers(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.F32, shape...)
	for i := range t.Float32s() {
		t.Float32s()[i] = float32(i%13)/13 - 0.4
	}
	return t
}

// recordWithText takes a text into account through a view, directly, and in what
// depends on the sample too.
func recordWithText(g *nn.Graph) {
	x := g.Input("x", tensor.F32, 1, 6, 4)
	text := g.Input("text", tensor.F32, 1, 2, 4)
	w := func(name string) *nn.Weight { return nn.Param(name, numbers(4, 4)) }
	k := g.Linear(text, nn.Linear{Weight: w("k")})
	v := g.Reshape(g.Linear(text, nn.Linear{Weight: w("v")}), 1, 2, 4)
	y := g.Attention(x, k, v, nn.Attention{Heads: 2})
	g.Tap("k", k)
	g.Tap("attention", y)
	g.Output("y", g.Concat(1, y, text))
	g.Output("k", k)
}

func evaluate(t *testing.T, g *nn.Graph, inputs map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	p, err := nn.Lower(g, everyOp, nil)
	require.NoError(t, err)
	var src []*tensor.Tensor
	for _, in := range p.Inputs {
		require.NotNil(t, inputs[in.Name], in.Name)
		src = append(src, inputs[in.Name])
	}
	got, err := nntest.Evaluate(p, src)
	require.NoError(t, err)
	out := make(map[string]*tensor.Tensor)
	for i, o := range p.Outputs {
		out[o.Name] = tensor.New(tensor.F32, o.Value.Shape()...)
		for j, v := range got[i] {
			out[o.Name].Float32s()[j] = float32(v)
		}
	}
	return out
}

func TestHoistComputesTheSame(t *testing.T) {
	g, err := nn.Record(recordWithText)
	require.NoError(t, err)
	inputs := map[string]*tensor.Tensor{"x": numbers(1, 6, 4), "text": numbers(1, 2, 4)}
	want := evaluate(t, g, inputs)

	once, each, err := nn.Hoist(g, "text")
	require.NoError(t, err)
	require.Len(t, once.Outputs(), 2, "k and v")
	require.Len(t, each.Inputs(), 4, "and the text, which is joined to what depends on x")
	require.Equal(t, []string{"attention"}, each.Taps())
	for name, v := range evaluate(t, once, inputs) {
		inputs[name] = v
	}
	for name, got := range evaluate(t, each, inputs) {
		require.InDeltaSlice(t, want[name].Float32s(), got.Float32s(), 1e-6, name)
	}
}

func TestHoistWithNothingAhead(t *testing.T) {
	g, err := nn.Record(func(g *nn.Graph) {
		g.Output("y", g.Add(g.Input("x", tensor.F32, 2), g.Input("text", tensor.F32, 2)))
	})
	require.NoError(t, err)
	once, each, err := nn.Hoist(g, "text")
	require.NoError(t, err)
	require.Nil(t, once)
	inputs := map[string]*tensor.Tensor{"x": numbers(2), "text": numbers(2)}
	require.Equal(t, evaluate(t, g, inputs), evaluate(t, each, inputs))
}

func TestHoistNamesTheInputItLacks(t *testing.T) {
	g, err := nn.Record(recordWithText)
	require.NoError(t, err)
	_, _, err = nn.Hoist(g, "text", "pooled")
	require.ErrorContains(t, err, "pooled")
}
