package nn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

// TestResultsDoNotLieOnWhatIsStillRead: of an operation that reads a value twice
// the result takes its place only where both are read element by element.
func TestResultsDoNotLieOnWhatIsStillRead(t *testing.T) {
	weight := func(shape ...int) *Weight { return Param("w", tensor.New(tensor.F32, shape...)) }
	for name, c := range map[string]struct {
		make func(g *Graph, x, y *Value) *Value
		same bool
	}{
		"conv and its input": {func(g *Graph, x, _ *Value) *Value {
			return g.Conv2D(x, Conv2D{Weight: weight(8, 8, 3, 3), Pad: Pad(1)}, Residual(x))
		}, false},
		"conv and another": {func(g *Graph, x, y *Value) *Value {
			return g.Conv2D(x, Conv2D{Weight: weight(8, 8, 3, 3), Pad: Pad(1)}, Residual(y))
		}, true},
		"linear and its input": {func(g *Graph, x, _ *Value) *Value {
			return g.Linear(x, Linear{Weight: weight(8, 8)}, Residual(x))
		}, false},
		"a view of its input": {func(g *Graph, x, _ *Value) *Value {
			return g.Conv2D(x, Conv2D{Weight: weight(8, 8, 3, 3), Pad: Pad(1)}, Residual(g.Reshape(g.Reshape(x, 36, 8), 1, 6, 6, 8)))
		}, false},
	} {
		g, err := Record(func(g *Graph) {
			in := g.Input("in", tensor.F32, 1, 6, 6, 8)
			g.Output("out", g.Affine(c.make(g, g.Activate(in, SiLU), g.Activate(in, GELU)), 2, 0))
		})
		require.NoError(t, err, name)
		p, err := Lower(g, anyOp, nil)
		require.NoError(t, err, name)
		plan := NewPlan(p, PlanOptions{})
		for _, n := range p.Nodes {
			switch n.Op.(type) {
			case Conv2D, Linear:
				for k, v := range n.In {
					same := c.same && k == len(n.In)-1
					require.Equal(t, same, plan.Offset[v.root.id] == plan.Offset[n.Out.id], "%s: operand %d", name, k)
				}
			}
		}
	}
}
