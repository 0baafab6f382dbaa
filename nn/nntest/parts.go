package nntest

import (
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// image returns what a convolution reads, its shape, and the row of the result
// that the node begins at. Rows that a part isn't given are NaN.
func (ev *evaluator) image(n *nn.Node, w *nn.Window) (x []float64, s tensor.Shape, top int) {
	s = n.In[0].Shape()
	if w == nil {
		return ev.get(n.In[0]), s, 0
	}
	s = tensor.Shape{s[0], w.Height, s[2], s[3]}
	x = make([]float64, s.NumElements())
	for i := range x {
		x[i] = math.NaN()
	}
	at := w.First * s[2] * s[3]
	for _, v := range n.In[:w.Parts] {
		at += copy(x[at:], ev.get(v))
	}
	return x, s, w.Out
}

// scaled applies factors and then terms of channels, and an activation.
func scaled(x, scale []float64, act nn.Activation) []float64 {
	y, c := make([]float64, len(x)), len(scale)/2
	for i, v := range x {
		y[i] = activate(act, v*scale[i%c]+scale[c+i%c])
	}
	return y
}

func groupMoments(y, x []float64, s tensor.Shape, groups int) {
	row, per := s[2]*s[3], s[3]/groups
	for i, v := range x {
		at := (i/row*groups + i%s[3]/per) * 2
		y[at] += v
		y[at+1] += v * v
	}
}

func (ev *evaluator) groupScale(y []float64, n *nn.Node, op nn.GroupScale) error {
	c := len(y) / 2
	scale, err := param(op.Norm.Scale, c)
	if err != nil {
		return err
	}
	shift, err := param(op.Norm.Shift, c)
	if err != nil {
		return err
	}
	groups, per := op.Norm.Groups, c/op.Norm.Groups
	sums := make([]float64, 2*groups)
	for _, v := range n.In {
		for i, m := range ev.get(v) {
			sums[i%len(sums)] += m
		}
	}
	count := float64(op.Pixels * per)
	for i := range c {
		mean, sq := sums[2*(i/per)]/count, sums[2*(i/per)+1]/count
		y[i] = scale[i] / math.Sqrt(sq-mean*mean+float64(op.Norm.Eps))
		y[c+i] = shift[i] - mean*y[i]
	}
	return nil
}
