// Package nntest checks that a backend computes what the operations of nn mean.
package nntest

import (
	"fmt"
	"math"
	"math/cmplx"
	"slices"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Evaluate computes a program in float64 with the plainest loops there are:
// the meaning of each operation, which every backend is held to. Inputs and
// weights are float32 or int32 tensors; the results are in the order of the
// program's outputs.
func Evaluate(p *nn.Program, src []*tensor.Tensor) ([][]float64, error) {
	ev := evaluator{mem: make([][]float64, p.Values)}
	for i, in := range p.Inputs {
		v, err := floats(src[i])
		if err != nil {
			return nil, err
		}
		ev.mem[in.Value.ID()] = v
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		y, err := ev.node(n)
		if err != nil {
			return nil, err
		}
		ev.mem[n.Out.ID()] = y
	}
	out := make([][]float64, len(p.Outputs))
	for i, o := range p.Outputs {
		out[i] = ev.get(o.Value)
	}
	return out, nil
}

type evaluator struct{ mem [][]float64 }

func (ev *evaluator) get(v *nn.Value) []float64 { return ev.mem[v.Root().ID()] }

func floats(t *tensor.Tensor) ([]float64, error) {
	switch t.DType() {
	case tensor.F32:
		return widen(t.Float32s()), nil
	case tensor.I32:
		v, err := tensor.Data[int32](t)
		return widen(v), err
	}
	if t.DType().Blocked() { // what the blocks stand for is tested beside the type
		wide, err := t.Convert(tensor.F32)
		if err != nil {
			return nil, err
		}
		return widen(wide.Float32s()), nil
	}
	return nil, fmt.Errorf("nntest: %s is not evaluated", t.DType())
}

func widen[T float32 | int32](v []T) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

// param reads a weight; nil is zeros of n elements.
func param(w *nn.Weight, n int) ([]float64, error) {
	if w == nil {
		return make([]float64, n), nil
	}
	v, err := storedParam(w)
	if err != nil || len(w.Deltas) == 0 {
		return v, err
	}
	return changed(w, v)
}

// storedParam reads a weight without its deltas.
func storedParam(w *nn.Weight) ([]float64, error) {
	t, err := w.Load()
	if err != nil {
		return nil, err
	}
	if w.Scale == nil {
		return floats(t)
	}
	s, err := w.Scale.Load()
	if err != nil {
		return nil, err
	}
	return quantised(t, s)
}

func activate(a nn.Activation, x float64) float64 {
	switch a {
	case nn.SiLU:
		return x / (1 + math.Exp(-x))
	case nn.GELU:
		return x * 0.5 * math.Erfc(-x/math.Sqrt2)
	case nn.QuickGELU:
		return x / (1 + math.Exp(-1.702*x))
	case nn.GELUTanh:
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return x
}

func (ev *evaluator) node(n *nn.Node) ([]float64, error) {
	if op, ok := n.Op.(nn.Parameter); ok {
		w, err := param(op.Weight, 0)
		return slices.Repeat(w, n.Out.Dim(0)), err
	}
	x := ev.get(n.In[0])
	xs, ys := n.In[0].Shape(), n.Out.Shape()
	y := make([]float64, ys.NumElements())
	switch op := n.Op.(type) {
	case nn.Linear:
		return y, ev.linear(y, x, n, op)
	case nn.Conv2D:
		return y, ev.conv(y, n, op)
	case nn.UpsampleConv2D:
		return y, ev.upsampleConv(y, n, op)
	case nn.GroupNorm:
		return y, groupNorm(y, x, xs, op)
	case nn.GroupMoments:
		groupMoments(y, x, xs, op.Groups)
	case nn.GroupScale:
		return y, ev.groupScale(y, n, op)
	case nn.LayerNorm:
		return y, groupNorm(y, x, tensor.Shape{xs.NumElements() / xs[len(xs)-1], xs[len(xs)-1]},
			nn.GroupNorm{Groups: 1, Eps: op.Eps, Scale: op.Scale, Shift: op.Shift})
	case nn.Attention:
		attention(y, x, ev.get(n.In[1]), ev.get(n.In[2]), xs, n.In[1].Dim(1), op)
	case nn.AttentionReceived:
		attentionReceived(y, x, ev.get(n.In[1]), xs, ys[1], op)
	case nn.GEGLU:
		geglu(y, x, ys[len(ys)-1])
	case nn.Activate:
		for i := range y {
			y[i] = activate(op.Act, x[i])
		}
	case nn.Add:
		b := ev.get(n.In[1])
		ch := ys[len(ys)-1]
		for i := range y {
			j := i
			if len(b) != len(y) {
				j = i/(len(y)/ys[0])*ch + i%ch
			}
			y[i] = x[i] + b[j]
		}
	case nn.Mul:
		b := ev.get(n.In[1])
		for i := range y {
			y[i] = x[i] * b[i]
		}
	case nn.Affine:
		for i := range y {
			y[i] = float64(op.Scale)*x[i] + float64(op.Shift)
		}
	case nn.Concat:
		inner := ys[op.Axis+1:].NumElements()
		for i := range y {
			o, k, in := i/(inner*ys[op.Axis]), i/inner%ys[op.Axis], i%inner
			for _, v := range n.In {
				if d := v.Dim(op.Axis); k >= d {
					k -= d
					continue
				}
				y[i] = ev.get(v)[(o*v.Dim(op.Axis)+k)*inner+in]
				break
			}
		}
	case nn.Slice:
		inner := ys[op.Axis+1:].NumElements()
		for i := range y {
			o, k, in := i/(inner*ys[op.Axis]), i/inner%ys[op.Axis], i%inner
			y[i] = x[(o*xs[op.Axis]+k+op.Start)*inner+in]
		}
	case nn.Upsample:
		for i := range y {
			c, w, h, b := i%xs[3], i/xs[3]%op.W, i/xs[3]/op.W%op.H, i/xs[3]/op.W/op.H
			y[i] = x[((b*xs[1]+h*xs[1]/op.H)*xs[2]+w*xs[2]/op.W)*xs[3]+c]
		}
	case nn.FourierFilter:
		fourierFilter(y, x, xs, float64(op.Scale))
	case nn.Embedding:
		return y, embedding(y, x, ys, op)
	case nn.TimestepEmbedding:
		half := op.Dim / 2
		for i := range y {
			k := i % half
			f := math.Pow(10000, -float64(k)/float64(half))
			if i%op.Dim < half {
				y[i] = math.Cos(x[i/op.Dim] * f)
			} else {
				y[i] = math.Sin(x[i/op.Dim] * f)
			}
		}
	case nn.TokenRow:
		ids := ev.get(n.In[1])
		for b := range xs[0] {
			at := tokenPosition(ids[b*xs[1]:(b+1)*xs[1]], float64(op.Token))
			copy(y[b*xs[2]:(b+1)*xs[2]], x[(b*xs[1]+at)*xs[2]:])
		}
	case nn.Transpose:
		st := xs.RowMajor()
		for i := range y {
			at, rest := 0, i
			for a := len(ys) - 1; a >= 0; a-- {
				at += rest % ys[a] * st[op.Perm[a]]
				rest /= ys[a]
			}
			y[i] = x[at]
		}
	case nn.Cast:
		copy(y, x)
	default:
		return nil, fmt.Errorf("nntest: no reference for %s", n.Op.Name())
	}
	return y, nil
}

func tokenPosition(ids []float64, token float64) int {
	largest := 0
	for i, id := range ids {
		if token >= 0 && id == token {
			return i
		}
		if id > ids[largest] {
			largest = i
		}
	}
	if token >= 0 {
		return 0
	}
	return largest
}

// geglu gates rows of 2h values.
func geglu(y, x []float64, h int) {
	for i := range y {
		r, c := i/h, i%h
		y[i] = x[r*2*h+c] * activate(nn.GELU, x[r*2*h+h+c])
	}
}

func (ev *evaluator) linear(y, x []float64, n *nn.Node, op nn.Linear) error {
	w, err := param(op.Weight, 0)
	if err != nil {
		return err
	}
	nOut, k := op.Weight.Shape[0], op.Weight.Shape[1]
	bias, err := param(op.Bias, nOut)
	if err != nil {
		return err
	}
	if op.Gated {
		whole := make([]float64, 2*len(y))
		op.Gated = false
		if err := ev.linear(whole, x, n, op); err != nil {
			return err
		}
		geglu(y, whole, nOut/2)
		return nil
	}
	for i := range y {
		r, c := i/nOut, i%nOut
		sum := bias[c]
		for j := range k {
			sum += x[r*k+j] * w[c*k+j]
		}
		if op.HasResidual() {
			sum += ev.get(n.In[1])[i]
		}
		y[i] = activate(op.Act, sum)
	}
	return nil
}

func (ev *evaluator) conv(y []float64, n *nn.Node, op nn.Conv2D) error {
	w, err := param(op.Weight, 0)
	if err != nil {
		return err
	}
	x, xs, top := ev.image(n, op.Window())
	ys, ws := n.Out.Shape(), op.Weight.Shape
	switch {
	case op.Norm != nil && op.Window() != nil:
		x = scaled(x, ev.get(n.In[op.Window().Parts]), op.Norm.Act)
	case op.Norm != nil:
		normed := make([]float64, len(x))
		if err := groupNorm(normed, x, xs, *op.Norm); err != nil {
			return err
		}
		x = normed
	}
	var residual []float64
	if op.HasResidual() {
		residual = ev.get(n.In[len(n.In)-1])
		if len(residual) > len(y) { // of the whole image
			residual = residual[top*ys[2]*ys[3]:]
		}
	}
	bias, err := param(op.Bias, ws[0])
	if err != nil {
		return err
	}
	for i := range y {
		o, ox, oy, b := i%ys[3], i/ys[3]%ys[2], i/ys[3]/ys[2]%ys[1], i/ys[3]/ys[2]/ys[1]
		sum := bias[o]
		if op.HasChannelBias() {
			sum += ev.get(n.In[1])[b*ys[3]+o]
		}
		for ky := range ws[2] {
			for kx := range ws[3] {
				iy, ix := (top+oy)*op.Stride+ky-op.Pad.Top, ox*op.Stride+kx-op.Pad.Left
				if iy < 0 || iy >= xs[1] || ix < 0 || ix >= xs[2] {
					continue
				}
				for c := range ws[1] {
					sum += x[((b*xs[1]+iy)*xs[2]+ix)*xs[3]+c] * w[((o*ws[1]+c)*ws[2]+ky)*ws[3]+kx]
				}
			}
		}
		if op.HasResidual() {
			sum += residual[i]
		}
		y[i] = activate(op.Act, sum)
	}
	return nil
}

func (ev *evaluator) upsampleConv(y []float64, n *nn.Node, op nn.UpsampleConv2D) error {
	x, xs, top := ev.image(n, op.Window())
	ys := n.Out.Shape()
	w, err := param(op.Weight, 0)
	if err != nil {
		return err
	}
	bias, err := param(op.Bias, ys[3])
	if err != nil {
		return err
	}
	for i := range y {
		o, ox, oy, b := i%ys[3], i/ys[3]%ys[2], i/ys[3]/ys[2]%ys[1], i/ys[3]/ys[2]/ys[1]
		y[i] = bias[o]
		for ky := range 3 {
			for kx := range 3 {
				uy, ux := top+oy+ky-1, ox+kx-1
				if uy < 0 || uy >= 2*xs[1] || ux < 0 || ux >= ys[2] {
					continue
				}
				for c := range xs[3] {
					y[i] += x[((b*xs[1]+uy/2)*xs[2]+ux/2)*xs[3]+c] * w[((o*xs[3]+c)*3+ky)*3+kx]
				}
			}
		}
	}
	return nil
}

func groupNorm(y, x []float64, s tensor.Shape, op nn.GroupNorm) error {
	ch := s[len(s)-1]
	scale, err := param(op.Scale, ch)
	if err != nil {
		return err
	}
	shift, err := param(op.Shift, ch)
	if err != nil {
		return err
	}
	per, image := ch/op.Groups, len(x)/s[0]
	for b := range s[0] {
		for g := range op.Groups {
			var index []int
			for i := b * image; i < (b+1)*image; i++ {
				if i%ch/per == g {
					index = append(index, i)
				}
			}
			var mean, variance float64
			for _, i := range index {
				mean += x[i] / float64(len(index))
			}
			for _, i := range index {
				variance += (x[i] - mean) * (x[i] - mean) / float64(len(index))
			}
			for _, i := range index {
				v := (x[i]-mean)/math.Sqrt(variance+float64(op.Eps))*scale[i%ch] + shift[i%ch]
				y[i] = activate(op.Act, v)
			}
		}
	}
	return nil
}

func attention(y, q, k, v []float64, s tensor.Shape, keys int, op nn.Attention) {
	width := s[2]
	d := width / op.Heads
	for b := range s[0] {
		for h := range op.Heads {
			for t := range s[1] {
				n := keys
				if op.Causal {
					n = min(n, t+1)
				}
				for j, p := range attentionRow(q[(b*s[1]+t)*width+h*d:][:d], k[b*keys*width+h*d:], width, n, float64(op.Scale)) {
					for i := range d {
						y[(b*s[1]+t)*width+h*d+i] += p * v[(b*keys+j)*width+h*d+i]
					}
				}
			}
		}
	}
}

// attentionRow is the softmax of one query's scores with n keys, which are
// stride apart.
func attentionRow(q, k []float64, stride, n int, scale float64) []float64 {
	p := make([]float64, n)
	largest, sum := math.Inf(-1), 0.0
	for j := range p {
		for i, v := range q {
			p[j] += scale * v * k[j*stride+i]
		}
		largest = max(largest, p[j])
	}
	for j := range p {
		p[j] = math.Exp(p[j] - largest)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
	return p
}

func attentionReceived(y, q, k []float64, s tensor.Shape, keys int, op nn.AttentionReceived) {
	d := s[2] / op.Heads
	for i := range s[0] * s[1] * op.Heads {
		row, h := i/op.Heads, i%op.Heads
		b := row / s[1]
		for j, p := range attentionRow(q[row*s[2]+h*d:][:d], k[b*keys*s[2]+h*d:], s[2], keys, float64(op.Scale)) {
			y[b*keys+j] += p / float64(op.Heads)
		}
	}
}

// fourierFilter sums the discrete Fourier transform's terms one by one.
func fourierFilter(y, x []float64, s tensor.Shape, scale float64) {
	copy(y, x)
	height, width := s[1], s[2]
	plane := float64(height * width)
	for fy := -min(1, height-1); fy <= 0; fy++ {
		for fx := -min(1, width-1); fx <= 0; fx++ {
			for i := range s[0] * s[3] {
				b, c := i/s[3], i%s[3]
				at := func(p int) int { return (b*height*width+p)*s[3] + c }
				turn := func(p int) complex128 {
					angle := 2 * math.Pi * (float64(fy*(p/width))/float64(height) + float64(fx*(p%width))/float64(width))
					return cmplx.Exp(complex(0, angle))
				}
				var sum complex128
				for p := range height * width {
					sum += complex(x[at(p)], 0) * cmplx.Conj(turn(p))
				}
				for p := range height * width {
					y[at(p)] += (scale - 1) / plane * real(sum*turn(p))
				}
			}
		}
	}
}

func embedding(y, ids []float64, s tensor.Shape, op nn.Embedding) error {
	table, err := param(op.Table, 0)
	if err != nil {
		return err
	}
	pos, err := param(op.Positions, s[1]*s[2])
	if err != nil {
		return err
	}
	for i := range y {
		t, c := i/s[2], i%s[2]
		y[i] = table[int(ids[t])*s[2]+c] + pos[t%s[1]*s[2]+c]
	}
	return nil
}
