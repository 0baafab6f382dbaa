package nn

import (
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
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Record(c.record)
			var re *RecordError
			require.ErrorAs(t, err, &re)
			require.ErrorContains(t, err, c.want)
		})
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
