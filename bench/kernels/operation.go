package kernels

import (
	"math"
	"math/rand/v2"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// operation is a graph around one operation, with its operands.
type operation struct {
	name   string // of the operation in a profile
	graph  *nn.Graph
	inputs []*tensor.Tensor
	x      [][]float32         // operands of the operation
	value  func(i int) float64 // the i-th result, in float64
}

func newOperation(s census.Shape, weights tensor.DType) (o *operation, err error) {
	r := rand.New(rand.NewPCG(1, 2))
	switch s := s.(type) {
	case census.Linear:
		return linear(s, r, weights)
	case census.Conv:
		return conv(s, r, weights)
	case census.Attention:
		return attention(s, r)
	}
	panic("unknown kind of shape")
}

// random returns a tensor of normal values with the given deviation, rounded to dt.
func random(r *rand.Rand, dt tensor.DType, deviation float64, shape ...int) (*tensor.Tensor, error) {
	t := tensor.New(tensor.F32, shape...)
	v := t.Float32s()
	for i := range v {
		v[i] = float32(deviation * r.NormFloat64())
	}
	return t.Convert(dt)
}

// weight returns a random weight and its values, such that results are about one.
func weight(r *rand.Rand, dt tensor.DType, shape ...int) (*nn.Weight, []float32, error) {
	t, err := random(r, dt, 1/math.Sqrt(float64(tensor.Shape(shape[1:]).NumElements())), shape...)
	if err != nil {
		return nil, nil, err
	}
	f, err := t.Convert(tensor.F32)
	if err != nil {
		return nil, nil, err
	}
	return nn.Param("weight", t), f.Float32s(), nil
}

// gate is a number whose gelu is the number itself in float32.
const gate = 8

// record records an operation on operands of the given shapes, and makes them.
//
// A backend keeps the results of operations in the format in which products
// read them, but not the inputs of a graph. So each operand is made by a GEGLU,
// as in a network, of gate and the operand over gate: exactly the operand.
func record(r *rand.Rand, name string, shapes [][]int, op func(g *nn.Graph, in []*nn.Value) *nn.Value) (*operation, error) {
	o := &operation{name: name}
	var err error
	o.graph, err = nn.Record(func(g *nn.Graph) {
		var in []*nn.Value
		for _, s := range shapes {
			gated := append(append([]int{}, s[:len(s)-1]...), 2*s[len(s)-1])
			in = append(in, g.GEGLU(g.Input("x", tensor.F32, gated...)))
		}
		g.Output("y", op(g, in))
	})
	if err != nil {
		return nil, err
	}
	for _, s := range shapes {
		x, gated := o.operand(r, s)
		o.x, o.inputs = append(o.x, x), append(o.inputs, gated)
	}
	return o, nil
}

// operand returns random values, and the input that a GEGLU makes them of.
func (o *operation) operand(r *rand.Rand, shape []int) ([]float32, *tensor.Tensor) {
	width := shape[len(shape)-1]
	x := make([]float32, tensor.Shape(shape).NumElements())
	input := tensor.New(tensor.F32, len(x)/width, 2*width)
	v := input.Float32s()
	for i := range x {
		x[i] = float32(r.NormFloat64())
		at := i/width*2*width + i%width
		v[at], v[at+width] = x[i]/gate, gate
	}
	input, err := input.Reshape(append(append([]int{}, shape[:len(shape)-1]...), 2*width)...)
	if err != nil {
		panic(err) // the number of elements is the same
	}
	return x, input
}

func linear(s census.Linear, r *rand.Rand, dt tensor.DType) (*operation, error) {
	w, wv, err := weight(r, dt, s.N, s.K)
	if err != nil {
		return nil, err
	}
	o, err := record(r, "Linear", [][]int{{s.M, s.K}}, func(g *nn.Graph, in []*nn.Value) *nn.Value {
		return g.Linear(in[0], nn.Linear{Weight: w})
	})
	if err != nil {
		return nil, err
	}
	x := o.x[0]
	o.value = func(i int) float64 { return dot(x[i/s.N*s.K:][:s.K], wv[i%s.N*s.K:][:s.K]) }
	return o, nil
}

func conv(s census.Conv, r *rand.Rand, dt tensor.DType) (*operation, error) {
	w, wv, err := weight(r, dt, s.CO, s.CI, s.KH, s.KW)
	if err != nil {
		return nil, err
	}
	o, err := record(r, "Conv2D", [][]int{{s.B, s.H, s.W, s.CI}}, func(g *nn.Graph, in []*nn.Value) *nn.Value {
		return g.Conv2D(in[0], nn.Conv2D{Weight: w, Stride: s.Stride, Pad: s.Pad})
	})
	if err != nil {
		return nil, err
	}
	x := o.x[0]
	o.value = func(i int) float64 {
		co, pixel := i%s.CO, i/s.CO
		ox, oy, b := pixel%s.OutW(), pixel/s.OutW()%s.OutH(), pixel/s.OutW()/s.OutH()
		var sum float64
		for ky := range s.KH {
			for kx := range s.KW {
				iy, ix := oy*s.Stride+ky-s.Pad.Top, ox*s.Stride+kx-s.Pad.Left
				if iy < 0 || iy >= s.H || ix < 0 || ix >= s.W {
					continue
				}
				for ci := range s.CI {
					sum += float64(x[((b*s.H+iy)*s.W+ix)*s.CI+ci]) * float64(wv[((co*s.CI+ci)*s.KH+ky)*s.KW+kx])
				}
			}
		}
		return sum
	}
	return o, nil
}

func attention(s census.Attention, r *rand.Rand) (*operation, error) {
	width := s.Heads * s.D
	o, err := record(r, "Attention", [][]int{{s.B, s.TQ, width}, {s.B, s.TK, width}, {s.B, s.TK, width}},
		func(g *nn.Graph, in []*nn.Value) *nn.Value {
			return g.Attention(in[0], in[1], in[2], nn.Attention{Heads: s.Heads, Causal: s.Causal})
		})
	if err != nil {
		return nil, err
	}
	q, k, v := o.x[0], o.x[1], o.x[2]
	o.value = func(i int) float64 {
		row, column := i/width, i%width
		b, head := row/s.TQ, column/s.D*s.D
		keys := s.TK
		if s.Causal {
			keys = min(keys, row%s.TQ+1)
		}
		scores, most := make([]float64, keys), math.Inf(-1)
		for j := range scores {
			scores[j] = dot(q[row*width+head:][:s.D], k[(b*s.TK+j)*width+head:][:s.D]) / math.Sqrt(float64(s.D))
			most = max(most, scores[j])
		}
		var sum, weights float64
		for j, score := range scores {
			p := math.Exp(score - most)
			weights += p
			sum += p * float64(v[(b*s.TK+j)*width+column])
		}
		return sum / weights
	}
	return o, nil
}

func dot(a, b []float32) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}
