package nntest

import (
	"fmt"
	"math/rand/v2"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// testCase is a graph of one operation, or of a few that are planned together.
type testCase struct {
	name   string
	record func(g *nn.Graph, r *source)
}

// source makes random weights.
type source struct{ *rand.Rand }

func newSource() *source { return &source{rand.New(rand.NewPCG(1, 2))} }

func (r *source) normal(dst []float32, scale float64) {
	for i := range dst {
		dst[i] = float32(r.NormFloat64() * scale)
	}
}

func (r *source) weight(name string, shape ...int) *nn.Weight {
	t := tensor.New(tensor.F32, shape...)
	r.normal(t.Float32s(), 0.5)
	return nn.Param(name, t)
}

// inputs makes random inputs; ids are below 10.
func (r *source) inputs(p *nn.Program) ([]*tensor.Tensor, error) {
	var src []*tensor.Tensor
	for _, in := range p.Inputs {
		t := tensor.New(in.Value.DType(), in.Value.Shape()...)
		switch t.DType() {
		case tensor.F32:
			r.normal(t.Float32s(), 1)
		case tensor.I32:
			ids, err := tensor.Data[int32](t)
			if err != nil {
				return nil, err
			}
			for i := range ids {
				ids[i] = r.Int32N(10)
			}
		}
		src = append(src, t)
	}
	return src, nil
}

func cases() []testCase {
	list := append(quantisedCases(), deltaCases()...)
	add := func(name string, record func(g *nn.Graph, r *source)) {
		list = append(list, testCase{name, record})
	}
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {13, 33, 17}, {50, 64, 320}, {77, 100, 640}} {
		for _, a := range []nn.Activation{nn.Identity, nn.SiLU, nn.GELU, nn.QuickGELU, nn.GELUTanh} {
			add(fmt.Sprintf("Linear/%v/%v", s, a), func(g *nn.Graph, r *source) {
				x := g.Input("x", tensor.F32, s[0], s[2])
				res := g.Input("res", tensor.F32, s[0], s[1])
				op := nn.Linear{Weight: r.weight("w", s[1], s[2]), Bias: r.weight("b", s[1]), Act: a}
				g.Output("plain", g.Linear(x, op))
				if a == nn.Identity {
					g.Output("gated", g.Linear(x,
						nn.Linear{Weight: r.weight("gate", 2*s[1], s[2]), Bias: r.weight("gate b", 2*s[1]), Gated: true}))
					g.Output("gated, no bias", g.Linear(x, nn.Linear{Weight: r.weight("gate", 2*s[1], s[2]), Gated: true}))
				}
				g.Output("residual", g.Linear(x, op, nn.Residual(res)))
				op.Bias = nil
				g.Output("no bias", g.Linear(x, op))
			})
		}
	}
	type image struct{ b, h, w, ci, co, k, stride, pad int }
	for _, s := range []image{{1, 1, 1, 1, 1, 1, 1, 0}, {2, 5, 7, 3, 9, 3, 1, 1}, {1, 8, 8, 16, 40, 3, 2, 1}, {2, 9, 13, 33, 4, 3, 1, 1}, {1, 16, 16, 64, 64, 3, 1, 1}, {2, 6, 5, 20, 10, 1, 1, 0}, {1, 7, 7, 4, 4, 3, 2, 0}} {
		add(fmt.Sprintf("Conv2D/%+v", s), func(g *nn.Graph, r *source) {
			x := g.Input("x", tensor.F32, s.b, s.h, s.w, s.ci)
			op := nn.Conv2D{Weight: r.weight("w", s.co, s.ci, s.k, s.k), Bias: r.weight("b", s.co), Stride: s.stride, Pad: nn.Pad(s.pad)}
			y := g.Conv2D(x, op)
			g.Output("plain", y)
			res := g.Input("res", tensor.F32, y.Shape()...)
			bias := g.Input("bias", tensor.F32, s.b, s.co)
			g.Output("both", g.Conv2D(x, op, nn.ChannelBias(bias), nn.Residual(res)))
			op.Act, op.Bias = nn.SiLU, nil
			g.Output("act", g.Conv2D(x, op, nn.ChannelBias(bias)))
			op.Norm = &nn.GroupNorm{Groups: 1, Eps: 1e-5, Scale: r.weight("s", s.ci), Shift: r.weight("sh", s.ci), Act: nn.SiLU}
			g.Output("normalised", g.Conv2D(x, op, nn.ChannelBias(bias), nn.Residual(res)))
		})
	}
	for _, s := range []image{{b: 1, h: 1, w: 1, ci: 1, co: 1}, {b: 2, h: 3, w: 5, ci: 7, co: 33}, {b: 1, h: 16, w: 9, ci: 40, co: 20}} {
		add(fmt.Sprintf("UpsampleConv2D/%dx%dx%dx%d to %d", s.b, s.h, s.w, s.ci, s.co), func(g *nn.Graph, r *source) {
			x := g.Input("x", tensor.F32, s.b, s.h, s.w, s.ci)
			op := nn.UpsampleConv2D{Weight: r.weight("w", s.co, s.ci, 3, 3), Bias: r.weight("b", s.co)}
			g.Output("y", g.UpsampleConv2D(x, op))
			op.Bias = nil
			g.Output("no bias", g.UpsampleConv2D(x, op))
		})
	}
	add("Conv2D/asymmetric padding", func(g *nn.Graph, r *source) {
		x := g.Input("x", tensor.F32, 2, 6, 8, 5)
		g.Output("y", g.Conv2D(x, nn.Conv2D{Weight: r.weight("w", 6, 5, 3, 3), Stride: 2, Pad: nn.Padding{Bottom: 1, Right: 1}}))
	})
	for _, s := range []tensor.Shape{{1, 4, 4, 8}, {2, 9, 13, 30}, {2, 300, 96}, {3, 40, 40, 64}} {
		for _, a := range []nn.Activation{nn.Identity, nn.SiLU} {
			add(fmt.Sprintf("GroupNorm/%v/%v", s, a), func(g *nn.Graph, r *source) {
				c := s[len(s)-1]
				x := g.Affine(g.Input("x", tensor.F32, s...), 2, 3)
				g.Output("y", g.GroupNorm(x, nn.GroupNorm{Groups: 2, Eps: 1e-5, Scale: r.weight("s", c), Shift: r.weight("b", c), Act: a}))
			})
		}
	}
	for _, s := range []tensor.Shape{{1, 1, 5}, {2, 77, 33}, {100, 640}} {
		add(fmt.Sprintf("LayerNorm/%v", s), func(g *nn.Graph, r *source) {
			c := s[len(s)-1]
			x := g.Affine(g.Input("x", tensor.F32, s...), 3, -2)
			g.Output("y", g.LayerNorm(x, nn.LayerNorm{Eps: 1e-5, Scale: r.weight("s", c), Shift: r.weight("b", c)}))
		})
	}
	type att struct{ b, heads, tq, tk, d int }
	for _, s := range []att{{1, 1, 1, 1, 4}, {2, 3, 13, 77, 24}, {1, 2, 65, 65, 64}, {2, 1, 33, 600, 40}, {1, 1, 144, 144, 512}} {
		for _, causal := range []bool{false, true} {
			if causal && s.tq != s.tk {
				continue
			}
			add(fmt.Sprintf("Attention/%+v/causal=%v", s, causal), func(g *nn.Graph, _ *source) {
				q := g.Input("q", tensor.F32, s.b, s.tq, s.heads*s.d)
				k := g.Input("k", tensor.F32, s.b, s.tk, s.heads*s.d)
				v := g.Input("v", tensor.F32, s.b, s.tk, s.heads*s.d)
				g.Output("y", g.Attention(q, k, v, nn.Attention{Heads: s.heads, Causal: causal}))
			})
		}
	}
	for _, s := range []att{{1, 1, 1, 1, 4}, {2, 3, 13, 77, 24}, {1, 2, 150, 65, 64}, {2, 1, 33, 600, 40}} {
		add(fmt.Sprintf("AttentionReceived/%+v", s), func(g *nn.Graph, _ *source) {
			q := g.Input("q", tensor.F32, s.b, s.tq, s.heads*s.d)
			k := g.Input("k", tensor.F32, s.b, s.tk, s.heads*s.d)
			g.Output("y", g.AttentionReceived(q, k, nn.AttentionReceived{Heads: s.heads}))
		})
	}
	for _, s := range [][4]int{{1, 1, 1, 1}, {1, 1, 5, 3}, {2, 6, 1, 2}, {1, 2, 2, 3}, {2, 9, 13, 7}, {1, 8, 4, 40}} {
		add(fmt.Sprintf("FourierFilter/%v", s), func(g *nn.Graph, _ *source) {
			x := g.Affine(g.Input("x", tensor.F32, s[:]...), 1, 0.5)
			g.Output("less", g.FourierFilter(x, nn.FourierFilter{Scale: 0.2}))
			g.Output("more", g.FourierFilter(x, nn.FourierFilter{Scale: 1.5}))
		})
	}
	add("elementwise", func(g *nn.Graph, _ *source) {
		a, b := g.Input("a", tensor.F32, 2, 5, 7), g.Input("b", tensor.F32, 2, 5, 7)
		bias := g.Input("bias", tensor.F32, 2, 1, 7)
		g.Output("add", g.Add(a, b))
		g.Output("add channels", g.Add(a, bias))
		g.Output("mul", g.Mul(a, b))
		g.Output("affine", g.Affine(a, 0.13, -2))
		g.Output("silu", g.Activate(a, nn.SiLU))
		g.Output("gelu", g.Activate(a, nn.GELU))
		g.Output("quick gelu", g.Activate(a, nn.QuickGELU))
		g.Output("gelu tanh", g.Activate(a, nn.GELUTanh))
		g.Output("geglu", g.GEGLU(g.Concat(-1, a, b)))
		// In place where the operand dies here, and not where it lives on.
		c := g.Add(a, b)
		d := g.Affine(c, 2, 0)
		g.Output("chain", g.Add(g.Activate(d, nn.SiLU), c))
	})
	add("movement", func(g *nn.Graph, _ *source) {
		a, b := g.Input("a", tensor.F32, 2, 3, 4, 5), g.Input("b", tensor.F32, 2, 3, 4, 2)
		g.Output("concat", g.Concat(-1, a, b))
		g.Output("concat batch", g.Concat(0, a, a))
		g.Output("slice", g.Slice(a, -1, 1, 4))
		g.Output("slice inner", g.Slice(a, 1, 2, 3))
		g.Output("upsample", g.Upsample(a, 6, 8))
		g.Output("upsample odd", g.Upsample(a, 5, 7))
		g.Output("nchw", g.Transpose(a, 0, 3, 1, 2))
		g.Output("reverse", g.Transpose(a, 3, 2, 1, 0))
		g.Output("reshape", g.Reshape(a, 2, 12, 5))
		g.Output("input", a)
	})
	add("embeddings", func(g *nn.Graph, r *source) {
		ids := g.Input("ids", tensor.I32, 3, 7)
		t := g.Input("t", tensor.F32, 3, 2)
		x := g.Embedding(ids, nn.Embedding{Table: r.weight("table", 10, 6), Positions: r.weight("pos", 9, 6)})
		g.Output("embedding", x)
		g.Output("without positions", g.Embedding(ids, nn.Embedding{Table: r.weight("table", 10, 6)}))
		p := g.Parameter(r.weight("parameter", 2, 6), 3)
		g.Output("parameter", p)
		g.Output("after a parameter", g.Add(g.Concat(1, p, x), g.Parameter(r.weight("positions", 9, 6), 3)))
		g.Output("row", g.TokenRow(x, ids, 4))
		g.Output("largest", g.TokenRow(x, ids, -1))
		g.Output("timestep", g.TimestepEmbedding(t, 16))
	})
	return list
}
