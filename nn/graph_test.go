package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

func weight(shape ...int) *Weight { return Param("w", tensor.New(tensor.F32, shape...)) }

func TestRecordReportsFaults(t *testing.T) {
	image := func(g *Graph) *Value { return g.Input("x", tensor.F32, 1, 4, 4, 6) }
	for name, c := range map[string]struct {
		record func(g *Graph)
		want   string
	}{
		"linear":     {func(g *Graph) { g.Linear(image(g), Linear{Weight: weight(3, 5)}) }, "weight [3 5] does not fit [1 4 4 6]"},
		"bias":       {func(g *Graph) { g.Linear(image(g), Linear{Weight: weight(3, 6), Bias: weight(4)}) }, "has shape [4], not [3]"},
		"conv":       {func(g *Graph) { g.Conv2D(image(g), Conv2D{Weight: weight(3, 5, 3, 3)}) }, "does not fit"},
		"small":      {func(g *Graph) { g.Conv2D(image(g), Conv2D{Weight: weight(3, 6, 7, 7)}) }, "smaller than the kernel"},
		"groups":     {func(g *Graph) { g.GroupNorm(image(g), GroupNorm{Groups: 4, Scale: weight(6), Shift: weight(6)}) }, "no multiple of 4 groups"},
		"heads":      {func(g *Graph) { x := g.Input("x", tensor.F32, 1, 2, 6); g.Attention(x, x, x, Attention{Heads: 4}) }, "4 heads"},
		"add":        {func(g *Graph) { g.Add(image(g), g.Input("y", tensor.F32, 6)) }, "Add: [1 4 4 6] and [6]"},
		"concat":     {func(g *Graph) { g.Concat(1, image(g), g.Input("y", tensor.F32, 1, 4, 5, 6)) }, "Concat on axis 1"},
		"slice":      {func(g *Graph) { g.Slice(image(g), -1, 2, 9) }, "Slice: 2:9"},
		"reshape":    {func(g *Graph) { g.Reshape(image(g), 5) }, "Reshape"},
		"transpose":  {func(g *Graph) { g.Transpose(image(g), 0, 1, 1, 2) }, "no permutation"},
		"ids":        {func(g *Graph) { g.Embedding(image(g), Embedding{weight(4, 4), weight(4, 4)}) }, "Embedding"},
		"no outputs": {func(g *Graph) { image(g) }, "no output"},
		"foreign":    {func(g *Graph) { other := new(Graph); g.Add(image(g), other.Input("y", tensor.F32, 1, 4, 4, 6)) }, "another graph"},
		"stride":     {func(g *Graph) { g.Conv2D(image(g), Conv2D{Weight: weight(3, 6, 3, 3), Stride: -1}) }, "stride -1"},
		"padding":    {func(g *Graph) { g.Conv2D(image(g), Conv2D{Weight: weight(3, 6, 3, 3), Pad: Pad(-1)}) }, "padding {Top:-1"},
		"no kernel":  {func(g *Graph) { g.Conv2D(image(g), Conv2D{Weight: weight(3, 6, 0, 3)}) }, "a kernel of at least 1x1"},
		"activation": {func(g *Graph) { g.Activate(image(g), 77) }, "there is no activation 77"},
		"eps": {func(g *Graph) {
			g.LayerNorm(image(g), LayerNorm{Eps: -1, Scale: weight(6), Shift: weight(6)})
		}, "eps is -1"},
		"scale": {func(g *Graph) {
			x := g.Input("x", tensor.F32, 1, 2, 6)
			g.Attention(x, x, x, Attention{Heads: 2, Scale: -1})
		}, "the scale is -1, want a positive number, or 0 for 1/sqrt(3)"},
		"NaN scale": {func(g *Graph) {
			x := g.Input("x", tensor.F32, 1, 2, 6)
			g.AttentionReceived(x, x, AttentionReceived{Heads: 2, Scale: float32(math.NaN())})
		}, "the scale is NaN"},
		"no axis":      {func(g *Graph) { g.Slice(image(g), 4, 0, 1) }, "has no axis 4"},
		"no axes":      {func(g *Graph) { g.GEGLU(g.Input("x", tensor.F32)) }, "has no axes"},
		"empty":        {func(g *Graph) { g.Input("x", tensor.F32, 1, 0, 6) }, "is empty"},
		"empty concat": {func(g *Graph) { g.Concat(0) }, "no operands"},
		"types":        {func(g *Graph) { g.Add(image(g), g.Input("y", tensor.I32, 1, 4, 4, 6)) }, "operands of F32 and I32"},
		"vector image": {func(g *Graph) { g.TapImage("x", g.Input("x", tensor.F32, 6)) }, "no NHWC image"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Record(c.record)
			var re *RecordError
			require.ErrorAs(t, err, &re)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// TestWhatIsMissingIsAFault leaves out each operand and each weight of every operation.
func TestWhatIsMissingIsAFault(t *testing.T) {
	for name, record := range map[string]func(g *Graph, x *Value){
		"Linear":            func(g *Graph, x *Value) { g.Linear(x, Linear{}) },
		"Residual":          func(g *Graph, x *Value) { g.Linear(x, Linear{Weight: weight(3, 6)}, Residual(nil)) },
		"Conv2D":            func(g *Graph, x *Value) { g.Conv2D(x, Conv2D{}) },
		"Conv2D's norm":     func(g *Graph, x *Value) { g.Conv2D(x, Conv2D{Weight: weight(3, 6, 1, 1), Norm: &GroupNorm{Groups: 2}}) },
		"ChannelBias":       func(g *Graph, x *Value) { g.Conv2D(x, Conv2D{Weight: weight(3, 6, 1, 1)}, ChannelBias(nil)) },
		"GroupNorm":         func(g *Graph, x *Value) { g.GroupNorm(x, GroupNorm{Groups: 2}) },
		"GroupNorm's shift": func(g *Graph, x *Value) { g.GroupNorm(x, GroupNorm{Groups: 2, Scale: weight(6)}) },
		"LayerNorm":         func(g *Graph, x *Value) { g.LayerNorm(x, LayerNorm{}) },
		"Attention":         func(g *Graph, x *Value) { g.Attention(x, nil, x, Attention{Heads: 1}) },
		"AttentionReceived": func(g *Graph, x *Value) { g.AttentionReceived(x, nil, AttentionReceived{Heads: 1}) },
		"GEGLU":             func(g *Graph, _ *Value) { g.GEGLU(nil) },
		"Activate":          func(g *Graph, _ *Value) { g.Activate(nil, SiLU) },
		"Add":               func(g *Graph, x *Value) { g.Add(x, nil) },
		"Mul":               func(g *Graph, x *Value) { g.Mul(nil, x) },
		"Affine":            func(g *Graph, _ *Value) { g.Affine(nil, 1, 2) },
		"Concat":            func(g *Graph, x *Value) { g.Concat(0, x, nil) },
		"Slice":             func(g *Graph, _ *Value) { g.Slice(nil, 0, 0, 1) },
		"UpsampleConv2D":    func(g *Graph, x *Value) { g.UpsampleConv2D(x, UpsampleConv2D{}) },
		"Upsample":          func(g *Graph, _ *Value) { g.Upsample(nil, 1, 1) },
		"FourierFilter":     func(g *Graph, _ *Value) { g.FourierFilter(nil, FourierFilter{}) },
		"Embedding": func(g *Graph, _ *Value) {
			g.Embedding(g.Input("ids", tensor.I32, 1, 2), Embedding{Positions: weight(2, 2)})
		},
		"TimestepEmbedding": func(g *Graph, _ *Value) { g.TimestepEmbedding(nil, 2) },
		"Parameter":         func(g *Graph, _ *Value) { g.Parameter(nil, 1) },
		"TokenRow":          func(g *Graph, x *Value) { g.TokenRow(x, nil, 1) },
		"Transpose":         func(g *Graph, _ *Value) { g.Transpose(nil, 0) },
		"Cast":              func(g *Graph, _ *Value) { g.Cast(nil, tensor.F32) },
		"Reshape":           func(g *Graph, _ *Value) { g.Reshape(nil, 1) },
		"Output":            func(g *Graph, _ *Value) { g.Output("y", nil) },
		"Tap":               func(g *Graph, _ *Value) { g.Tap("y", nil) },
		"TapImage":          func(g *Graph, _ *Value) { g.TapImage("y", nil) },
	} {
		_, err := Record(func(g *Graph) { record(g, g.Input("x", tensor.F32, 1, 4, 4, 6)) })
		var re *RecordError
		require.ErrorAs(t, err, &re, name)
		require.Regexp(t, "is nil|no weight|no scale|no shift|no table", err.Error(), name)
	}
}

func TestLowerKeepsOnlyWhatIsNeeded(t *testing.T) {
	g, err := Record(func(g *Graph) {
		x := g.Input("x", tensor.F32, 2, 4)
		used, unused := g.Affine(x, 1, 2), g.Affine(x, 3, 4)
		g.Tap("unused", unused)
		g.Output("y", g.Reshape(used, 8))
		g.Output("same", g.Reshape(used, 8))
		g.Output("x", x)
	})
	require.NoError(t, err)
	p, err := Lower(g, anyOp, nil)
	require.NoError(t, err)
	names := func(p *Program) (s []string) {
		for _, n := range p.Nodes {
			s = append(s, n.Op.Name())
		}
		return s
	}
	require.Equal(t, []string{"Affine", "Cast", "Cast", "Cast"}, names(p), "outputs have memory of their own")
	p, err = Lower(g, anyOp, []string{"unused"})
	require.NoError(t, err)
	require.Len(t, p.Nodes, 5)
	require.Equal(t, "unused", p.Outputs[3].Name)
	_, err = Lower(g, anyOp, []string{"nothing"})
	require.ErrorContains(t, err, `no value named "nothing" to tap; there are unused`)
}

func TestLowerNamesWhatABackendLacks(t *testing.T) {
	g, err := Record(func(g *Graph) { g.Output("y", g.Affine(g.Input("x", tensor.F32, 1), 1, 2)) })
	require.NoError(t, err)
	_, err = Lower(g, func(Op, tensor.DType) bool { return false }, nil)
	require.ErrorContains(t, err, "no Affine on F32")
}
