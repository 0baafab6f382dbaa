package nntest

import (
	"fmt"
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// changed returns a weight with its deltas.
func changed(w *nn.Weight, stored []float64) ([]float64, error) {
	n, k := w.Matrix()
	sum := append([]float64{}, stored...)
	for _, d := range w.Deltas {
		v, err := delta(d, stored, n, k)
		if err != nil {
			return nil, err
		}
		for i, x := range v {
			sum[i] += x
		}
	}
	return sum, nil
}

// delta returns what a delta adds to a weight [n,k].
func delta(d nn.Delta, w []float64, n, k int) ([]float64, error) {
	var in [][]float64
	for _, o := range nn.Operands(d) {
		v, err := param(o, 0)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	out := make([]float64, n*k)
	each := func(scale float32, f func(i, j int) float64) ([]float64, error) {
		for i := range n {
			for j := range k {
				out[i*k+j] = float64(scale) * f(i, j)
			}
		}
		return out, nil
	}
	switch d := d.(type) {
	case nn.LowRank:
		p := matmul(in[0], in[1], n, k)
		return each(d.Scale, func(i, j int) float64 { return p[i*k+j] })
	case nn.Hadamard:
		p, q := matmul(in[0], in[1], n, k), matmul(in[2], in[3], n, k)
		return each(d.Scale, func(i, j int) float64 { return p[i*k+j] * q[i*k+j] })
	case nn.Kronecker:
		ac, br := d.A.Shape[1:].NumElements(), d.B.Shape[0]
		bc := k / ac
		return each(d.Scale, func(i, j int) float64 { return in[0][i/br*ac+j/bc] * in[1][i%br*bc+j%bc] })
	case nn.Dense:
		return each(d.Scale, func(i, j int) float64 { return in[0][i*k+j] })
	case nn.Rescale:
		return each(d.Scale, func(i, j int) float64 { return in[0][slice(d.Columns, i, j, k, len(in[0]))] * w[i*k+j] })
	case nn.Mix:
		b := d.Blocks.Shape[1]
		return each(d.Scale, func(i, j int) (sum float64) {
			for c := range b {
				sum += in[0][i*b+c] * w[(i/b*b+c)*k+j]
			}
			return sum
		})
	case nn.Projected:
		c := d.Right.Shape[0]
		p, taps := matmul(in[0], in[1], c, c), k/c
		return each(d.Scale, func(i, j int) (sum float64) {
			for m := range c {
				sum += w[i*k+m*taps+j%taps] * p[m*c+j/taps]
			}
			return sum
		})
	case nn.Directed:
		of, err := delta(d.Of, w, n, k)
		if err != nil {
			return nil, err
		}
		length := in[len(in)-1]
		squares := make([]float64, len(length))
		for i := range of {
			of[i] += w[i]
			squares[slice(d.Columns, i/k, i%k, k, len(length))] += of[i] * of[i]
		}
		return each(d.Scale, func(i, j int) float64 {
			at := slice(d.Columns, i, j, k, len(length))
			return length[at]*of[i*k+j]/math.Sqrt(squares[at]) - w[i*k+j]
		})
	}
	return nil, fmt.Errorf("nntest: %T is not evaluated", d)
}

// slice returns the row of i, j, or which of a number of slices of columns it is in.
func slice(columns bool, i, j, k, slices int) int {
	if columns {
		return j / (k / slices)
	}
	return i
}

func matmul(a, b []float64, n, k int) []float64 {
	out, r := make([]float64, n*k), len(a)/n
	for i := range n {
		for m := range r {
			for j := range k {
				out[i*k+j] += a[i*r+m] * b[m*k+j]
			}
		}
	}
	return out
}

// deltasFor returns deltas of every kind for a weight [n,c,...] with taps numbers
// for each of its second axis.
func (r *source) deltasFor(n, c, taps int) map[string][]nn.Delta {
	w := func(shape ...int) *nn.Weight { return r.weight("delta", shape...) }
	low := nn.LowRank{Up: w(n, 5), Down: w(5, c*taps), Scale: 0.3}
	lengths := func(n int) *nn.Weight {
		t := tensor.New(tensor.F32, n)
		for i := range t.Float32s() {
			t.Float32s()[i] = 1 + r.Float32()
		}
		return nn.Param("lengths", t)
	}
	return map[string][]nn.Delta{
		"low rank":         {low, nn.LowRank{Up: w(n, 40), Down: w(40, c, taps), Scale: -0.1}},
		"hadamard":         {nn.Hadamard{Up: w(n, 3), Down: w(3, c*taps), Up2: w(n, 4), Down2: w(4, c*taps), Scale: 0.5}},
		"kronecker":        {nn.Kronecker{A: w(2, 4), B: w(n/2, c/4, taps), Scale: 0.5}},
		"dense":            {nn.Dense{Diff: w(n, c, taps), Scale: 0.5}},
		"rescaled rows":    {nn.Rescale{By: w(n), Scale: 0.5}},
		"rescaled columns": {nn.Rescale{By: w(c), Columns: true, Scale: 0.5}},
		"mix":              {nn.Mix{Blocks: w(2, n/2, n/2), Scale: 0.2}},
		"projected":        {nn.Projected{Right: w(c, 3), Down: w(3, c), Scale: 0.1}},
		"directed rows":    {nn.Directed{Of: low, Length: lengths(n), Scale: 0.8}},
		"directed columns": {nn.Directed{Of: nn.Scaled(low, 2), Length: lengths(c), Columns: true, Scale: 0.8}},
		"several": {low, nn.Directed{Of: nn.Hadamard{Up: w(n, 3), Down: w(3, c*taps), Up2: w(n, 4), Down2: w(4, c*taps),
			Scale: 0.5}, Length: lengths(n), Scale: 0.5},
			nn.Directed{Of: nn.Kronecker{A: w(2, 4), B: w(n/2, c/4, taps), Scale: 1}, Length: lengths(c), Columns: true, Scale: -0.5},
			nn.Rescale{By: w(c), Columns: true, Scale: 1}, nn.Dense{Diff: w(n, c, taps), Scale: 0.5}},
	}
}

// deltaCases are the operations that take weights with deltas, of every kind and on
// weights of every form.
func deltaCases() (list []testCase) {
	names := []string{"low rank", "hadamard", "kronecker", "dense", "rescaled rows", "rescaled columns", "mix", "projected",
		"directed rows", "directed columns", "several"}
	for _, name := range names {
		list = append(list, testCase{"Delta/Linear/" + name, func(g *nn.Graph, r *source) {
			x := g.Input("x", tensor.F32, 64, 96)
			op := nn.Linear{Weight: r.weight("w", 40, 96).With(r.deltasFor(40, 96, 1)[name]...),
				Bias: r.weight("b", 40).With(nn.Dense{Diff: r.weight("d", 40), Scale: 0.5})}
			g.Output("plain", g.Linear(x, op))
			op.Gated = true
			g.Output("gated", g.Linear(x, op))
			for _, dt := range []tensor.DType{tensor.I8, tensor.F4} {
				g.Output(dt.String(), g.Linear(x,
					nn.Linear{Weight: r.quantisedWeight(dt, true, 40, 96).With(r.deltasFor(40, 96, 1)[name]...)}))
			}
			g.Output("I8 by rows", g.Linear(x,
				nn.Linear{Weight: r.quantisedWeight(tensor.I8, false, 40, 96).With(r.deltasFor(40, 96, 1)[name]...)}))
		}}, testCase{"Delta/Conv2D/" + name, func(g *nn.Graph, r *source) {
			x, small := g.Input("x", tensor.F32, 1, 16, 16, 32), g.Input("small", tensor.F32, 1, 5, 6, 32)
			w, d := r.weight("w", 36, 32, 3, 3), r.deltasFor(36, 32, 9)[name]
			bias := r.weight("b", 36).With(nn.Dense{Diff: r.weight("d", 36), Scale: 0.5})
			norm := &nn.GroupNorm{Groups: 4, Eps: 1e-5, Scale: r.weight("s", 32).With(nn.Dense{Diff: r.weight("d", 32), Scale: 2}),
				Shift: r.weight("sh", 32).With(nn.Dense{Diff: r.weight("d", 32), Scale: 1}), Act: nn.SiLU}
			g.Output("by tiles", g.Conv2D(x, nn.Conv2D{Weight: w.With(d...), Bias: bias, Pad: nn.Pad(1)}))
			g.Output("by 2", g.Conv2D(small, nn.Conv2D{Weight: w.With(d...), Stride: 2, Pad: nn.Pad(1), Norm: norm}))
			g.Output("1x1", g.Conv2D(small, nn.Conv2D{Weight: r.weight("w", 36, 32, 1, 1).With(r.deltasFor(36, 32, 1)[name]...)}))
			g.Output("enlarged", g.UpsampleConv2D(small, nn.UpsampleConv2D{Weight: w.With(d...), Bias: bias}))
			g.Output("I8", g.Conv2D(small,
				nn.Conv2D{Weight: r.quantisedWeight(tensor.I8, false, 36, 32, 3, 3).With(d...), Pad: nn.Pad(1)}))
		}})
	}
	list = append(list, testCase{"Delta/LayerNorm", func(g *nn.Graph, r *source) {
		x := g.Input("x", tensor.F32, 5, 33)
		g.Output("y", g.LayerNorm(x,
			nn.LayerNorm{Eps: 1e-5, Scale: r.weight("s", 33).With(nn.Dense{Diff: r.weight("d", 33), Scale: 2}),
				Shift: r.weight("b", 33).With(nn.Dense{Diff: r.weight("d", 33), Scale: 0.1})}))
	}})
	return list
}
