package nn

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

func anyOp(Op, tensor.DType) bool { return true }

// program records a chain of operations with skips of random length.
func program(t *testing.T, seed uint64, n int) *Program {
	r := rand.New(rand.NewPCG(seed, 0))
	g, err := Record(func(g *Graph) {
		values := []*Value{g.Input("x", tensor.F32, 4, 8)}
		for range n {
			a := values[len(values)-1]
			b := values[r.IntN(len(values))]
			switch r.IntN(4) {
			case 0:
				a = g.Activate(a, SiLU)
			case 1:
				a = g.Slice(g.Concat(-1, a, b), -1, 4, 12)
			case 2:
				a = g.Reshape(g.Add(a, b), 8, 4)
				a = g.Reshape(g.Affine(a, 2, 1), 4, 8)
			case 3:
				a = g.Mul(a, b)
			}
			values = append(values, a)
		}
		g.Output("y", values[n])
		g.Output("half", values[n/2])
	})
	require.NoError(t, err)
	p, err := Lower(g, anyOp, nil)
	require.NoError(t, err)
	return p
}

// TestPlanKeepsValuesApart replays programs on their plan with a tag for each
// value: no operation may find an operand overwritten.
func TestPlanKeepsValuesApart(t *testing.T) {
	for seed := range uint64(50) {
		p := program(t, seed, 40)
		work := make([]int, len(p.Nodes))
		for i := range work {
			work[i] = i % 3 * 100
		}
		plan := NewPlan(p, PlanOptions{Workspace: work})
		owner := make([]int, plan.Size)
		for i := range owner {
			owner[i] = -1
		}
		fill := func(offset, size, tag int) {
			require.LessOrEqual(t, offset+size, plan.Size)
			for i := offset; i < offset+size; i++ {
				owner[i] = tag
			}
		}
		for i, n := range p.Nodes {
			if off := plan.Workspace[i]; off >= 0 {
				fill(off, work[i], -2)
			}
			for k, v := range n.In {
				off := plan.Offset[v.root.id]
				if off < 0 {
					continue
				}
				for b := off; b < off+v.root.Bytes(); b++ {
					require.Equal(t, v.root.id, owner[b], "seed %d: operand %d of node %d (%s) is overwritten", seed, k, i, n.Op.Name())
				}
			}
			if off := plan.Offset[n.Out.id]; off >= 0 {
				fill(off, n.Out.Bytes(), n.Out.id)
			}
		}
	}
}

func TestPlanReusesMemory(t *testing.T) {
	g, err := Record(func(g *Graph) {
		x := g.Input("x", tensor.F32, 1024)
		for range 20 {
			x = g.Slice(g.Concat(0, x, x), 0, 512, 1536)
		}
		g.Output("y", x)
	})
	require.NoError(t, err)
	p, err := Lower(g, anyOp, nil)
	require.NoError(t, err)
	plan := NewPlan(p, PlanOptions{})
	require.Equal(t, 3*4096, plan.Size, "one value and the concatenation it is cut from")
}

func TestPlanWorksInPlace(t *testing.T) {
	g, err := Record(func(g *Graph) {
		x := g.Concat(0, g.Input("x", tensor.F32, 64), g.Input("z", tensor.F32, 64))
		for range 5 {
			x = g.Activate(x, SiLU)
		}
		g.Output("y", g.Slice(x, 0, 0, 64))
	})
	require.NoError(t, err)
	p, err := Lower(g, anyOp, nil)
	require.NoError(t, err)
	require.Equal(t, 512, NewPlan(p, PlanOptions{}).Size)
}

// TestPlanShrinksInPlace: what a convolution of single pixels makes of fewer
// channels lies where they did, and the rest of that is free.
func TestPlanShrinksInPlace(t *testing.T) {
	g, err := Record(func(g *Graph) {
		x := g.Activate(g.Input("x", tensor.F32, 1, 4, 4, 8), SiLU) // 512 bytes
		y := g.Conv2D(x, Conv2D{Weight: Param("w", tensor.New(tensor.F32, 4, 8, 1, 1))})
		z := g.Concat(-1, g.Slice(y, -1, 0, 2), g.Slice(y, -1, 2, 4)) // 2 of 128, and 256
		g.Output("z", g.Add(z, y))
	})
	require.NoError(t, err)
	p, err := Lower(g, anyOp, nil)
	require.NoError(t, err)
	plan := NewPlan(p, PlanOptions{})
	require.Equal(t, plan.Offset[p.Nodes[0].Out.id], plan.Offset[p.Nodes[1].Out.id])
	require.Equal(t, 256+2*128+256, plan.Size)
}

func TestPlanForADevice(t *testing.T) {
	record := func(co int) *Program {
		g, err := Record(func(g *Graph) {
			x := g.Activate(g.Input("x", tensor.F32, 1, 4, 4, 8), SiLU) // 512 bytes
			y := g.Conv2D(x, Conv2D{Weight: Param("w", tensor.New(tensor.F32, co, 8, 1, 1))})
			g.Output("z", g.Concat(-1, g.Activate(y, SiLU), y))
		})
		require.NoError(t, err)
		p, err := Lower(g, anyOp, nil)
		require.NoError(t, err)
		return p
	}
	for _, co := range []int{4, 7} {
		p := record(co)
		wide := func(v *Value) int { // so that both images are of a size
			if v == p.Nodes[1].Out {
				return 512
			}
			return v.Bytes()
		}
		for _, bytes := range []func(*Value) int{nil, wide} {
			plan := NewPlan(p, PlanOptions{Bytes: bytes, Align: 256, Unordered: true})
			require.NotEqual(t, plan.Offset[p.Nodes[0].Out.id], plan.Offset[p.Nodes[1].Out.id], "pixels may be written before others are read")
			for _, off := range plan.Offset {
				require.True(t, off == -1 || off%256 == 0)
			}
		}
	}
}
