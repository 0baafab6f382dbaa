package nn_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/nntest"
	"github.com/df65613c/easel/tensor"
)

// autoencoder records what the VAE does to its largest images: a doubling, a
// block with a shortcut of fewer channels, one without, and a halving.
func autoencoder(g *nn.Graph) {
	x := g.Conv2D(g.Input("x", tensor.F32, 1, 100, 8, 8), nn.Conv2D{Weight: param("in", 8, 8, 3, 3), Pad: nn.Pad(1)})
	x = g.UpsampleConv2D(x, nn.UpsampleConv2D{Weight: param("up", 8, 8, 3, 3), Bias: param("bias", 8)})
	for _, name := range []string{"a", "b"} {
		h := g.Conv2D(x, nn.Conv2D{Norm: norm(x.Dim(-1)), Weight: param(name+"1", 4, x.Dim(-1), 3, 3), Pad: nn.Pad(1)})
		if x.Dim(-1) != 4 {
			x = g.Conv2D(x, nn.Conv2D{Weight: param("short", 4, 8, 1, 1)})
		}
		x = g.Conv2D(h, nn.Conv2D{Norm: norm(4), Weight: param(name+"2", 4, 4, 3, 3), Pad: nn.Pad(1), Act: nn.SiLU}, nn.Residual(x))
	}
	down := g.Conv2D(x, nn.Conv2D{Weight: param("down", 2, 4, 3, 3), Stride: 2, Pad: nn.Padding{Bottom: 1, Right: 1}})
	g.Output("half", g.Transpose(down, 0, 3, 1, 2))
	g.Output("same", g.Conv2D(x, nn.Conv2D{Norm: norm(4), Weight: param("out", 2, 4, 3, 3), Pad: nn.Pad(1)}))
}

// inner is what the smallest convolutions of its blocks read and make.
const inner = 2 * 200 * 16 * 4 * 4

func param(name string, shape ...int) *nn.Weight {
	t := numbers(shape...)
	for i := range t.Float32s() {
		t.Float32s()[i] += 0.1 * float32(len(name)%3)
	}
	return nn.Param(name, t)
}

func norm(c int) *nn.GroupNorm {
	return &nn.GroupNorm{Groups: 2, Eps: 1e-5, Scale: param("scale", c), Shift: param("s", c), Act: nn.SiLU}
}

func lowered(t *testing.T, record func(*nn.Graph)) *nn.Program {
	g, err := nn.Record(record)
	require.NoError(t, err)
	p, err := nn.Lower(g, everyOp, nil)
	require.NoError(t, err)
	return p
}

// TestStreamedProgramsAreEqual evaluates parts where every row that they are not
// given is NaN.
func TestStreamedProgramsAreEqual(t *testing.T) {
	p := lowered(t, autoencoder)
	src := []*tensor.Tensor{numbers(1, 100, 8, 8)}
	want, err := nntest.Evaluate(p, src)
	require.NoError(t, err)
	size := func(p *nn.Program) int { return nn.NewPlan(p, nn.PlanOptions{}).Size }
	before := size(p)
	for _, drop := range []float64{0, 0.25, 0.5, 1} {
		for _, limit := range []int{0, inner - 1, inner + 1} {
			s, origin := nn.Stream(p, nn.Streaming{Bytes: (*nn.Value).Bytes, Limit: limit, Drop: drop})
			name := fmt.Sprintf("limit %d, drop %g", limit, drop)
			require.NotNil(t, s, name)
			require.Len(t, origin, s.Values)
			require.Greater(t, len(s.Nodes), len(p.Nodes)+5)
			got, err := nntest.Evaluate(s, src)
			require.NoError(t, err)
			for i := range want {
				require.InDeltaSlice(t, want[i], got[i], 1e-9, name)
			}
			if limit == inner-1 {
				require.Less(t, size(s), before, name)
			}
		}
	}
}

// TestStreamingMore: the more is dropped, the less memory a program takes and
// the more it computes.
func TestStreamingMore(t *testing.T) {
	p := lowered(t, autoencoder)
	nodes, size := 0, 1<<30
	for _, drop := range []float64{0, 0.25, 0.5, 0.75} {
		s, _ := nn.Stream(p, nn.Streaming{Bytes: (*nn.Value).Bytes, Limit: inner - 1, Drop: drop})
		plan := nn.NewPlan(s, nn.PlanOptions{})
		require.Greater(t, len(s.Nodes), nodes)
		require.Less(t, plan.Size, size, "drop %g", drop)
		nodes, size = len(s.Nodes), plan.Size
	}
}

// TestStreamLeavesAlone: small images, batches, and what other operations make or read.
func TestStreamLeavesAlone(t *testing.T) {
	conv := func(g *nn.Graph, x *nn.Value) *nn.Value {
		return g.Conv2D(x, nn.Conv2D{Weight: param("w", x.Dim(-1), x.Dim(-1), 3, 3), Pad: nn.Pad(1)})
	}
	for name, c := range map[string]struct {
		limit  int
		record func(g *nn.Graph)
	}{
		"small": {1 << 30, autoencoder},
		"batch": {0, func(g *nn.Graph) { g.Output("y", conv(g, conv(g, g.Input("x", tensor.F32, 2, 32, 4, 2)))) }},
		"read by others": {0, func(g *nn.Graph) {
			x := conv(g, g.Input("x", tensor.F32, 1, 32, 4, 2))
			g.Output("y", g.Add(conv(g, x), x))
		}},
		"viewed": {0, func(g *nn.Graph) {
			x := conv(g, g.Input("x", tensor.F32, 1, 32, 4, 2))
			g.Output("y", conv(g, g.Reshape(x, 1, 16, 8, 2)))
		}},
		"biased": {0, func(g *nn.Graph) {
			x := conv(g, g.Input("x", tensor.F32, 1, 32, 4, 2))
			g.Output("y", g.Conv2D(x, nn.Conv2D{Weight: param("w", 2, 2, 3, 3), Pad: nn.Pad(1)}, nn.ChannelBias(g.Input("b", tensor.F32, 1, 2))))
		}},
	} {
		s, _ := nn.Stream(lowered(t, c.record), nn.Streaming{Bytes: (*nn.Value).Bytes, Limit: c.limit})
		require.Nil(t, s, name)
	}
}
