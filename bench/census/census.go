// Package census counts the matrix products, convolutions and attentions of a
// network: nearly all of its arithmetic.
package census

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Shape is the shape of one operation: a Linear, a Conv or an Attention.
type Shape interface {
	shape()
	Kind() string
	String() string
	// FLOPs returns the multiplications and additions.
	FLOPs() float64
	// Bytes returns what the operation reads and writes at least, with weights
	// and activations of a number of bytes an element.
	Bytes(weight, activation int) float64
}

// Linear is a product of [M,K] with weights [N,K].
type Linear struct{ M, N, K int }

// Conv is a convolution of images [B,H,W,CI] with weights [CO,CI,KH,KW].
type Conv struct {
	B, H, W, CI, CO, KH, KW, Stride int
	Pad                             nn.Padding
}

// Attention is softmax(Q K^T) V for queries [B,TQ,Heads*D] and TK keys.
type Attention struct {
	B, Heads, TQ, TK, D int
	Causal              bool
}

func (Linear) Kind() string    { return "linear" }
func (c Conv) Kind() string    { return fmt.Sprintf("conv%dx%d", c.KH, c.KW) }
func (Attention) Kind() string { return "attention" }

func (l Linear) String() string { return fmt.Sprintf("%dx%dx%d", l.M, l.N, l.K) }

func (c Conv) String() string {
	s := fmt.Sprintf("%dx%dx%dx%d-%d", c.B, c.H, c.W, c.CI, c.CO)
	if c.Stride > 1 {
		s += fmt.Sprintf("/%d", c.Stride)
	}
	return s
}

func (a Attention) String() string {
	s := fmt.Sprintf("%dx%dx%dx%dx%d", a.B, a.Heads, a.TQ, a.TK, a.D)
	if a.Causal {
		s += "-causal"
	}
	return s
}

// OutH returns the height of the output.
func (c Conv) OutH() int { return (c.H+c.Pad.Top+c.Pad.Bottom-c.KH)/c.Stride + 1 }

// OutW returns the width of the output.
func (c Conv) OutW() int { return (c.W+c.Pad.Left+c.Pad.Right-c.KW)/c.Stride + 1 }

func product(n ...int) float64 {
	p := 1.0
	for _, v := range n {
		p *= float64(v)
	}
	return p
}

func (l Linear) FLOPs() float64 { return 2 * product(l.M, l.N, l.K) }

func (c Conv) FLOPs() float64 { return 2 * product(c.B, c.OutH(), c.OutW(), c.CO, c.CI, c.KH, c.KW) }

// FLOPs counts both products; a causal mask halves them.
func (a Attention) FLOPs() float64 {
	f := 4 * product(a.B, a.Heads, a.TQ, a.TK, a.D)
	if a.Causal {
		f /= 2
	}
	return f
}

func (l Linear) Bytes(weight, activation int) float64 {
	return product(weight, l.N, l.K) + product(activation, l.M, l.K) + product(activation, l.M, l.N)
}

func (c Conv) Bytes(weight, activation int) float64 {
	return product(weight, c.CO, c.CI, c.KH, c.KW) + product(activation, c.B, c.H, c.W, c.CI) +
		product(activation, c.B, c.OutH(), c.OutW(), c.CO)
}

func (a Attention) Bytes(_, activation int) float64 {
	return 2 * product(activation, a.B, a.Heads, a.D, a.TQ+a.TK)
}

func (Linear) shape()    {}
func (Conv) shape()      {}
func (Attention) shape() {}

// Entry is a shape and how often a network has it.
type Entry struct {
	Shape
	Count int
}

// Of counts the shapes of a network, the most arithmetic first.
func Of(g *nn.Graph) ([]Entry, error) {
	p, err := nn.Lower(g, func(nn.Op, tensor.DType) bool { return true }, nil)
	if err != nil {
		return nil, err
	}
	counts := make(map[Shape]int)
	for i := range p.Nodes {
		if s := shapeOf(&p.Nodes[i]); s != nil {
			counts[s]++
		}
	}
	entries := make([]Entry, 0, len(counts))
	for s, n := range counts {
		entries = append(entries, Entry{s, n})
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.FLOPs()*float64(b.Count), a.FLOPs()*float64(a.Count)),
			cmp.Compare(a.Kind()+a.String(), b.Kind()+b.String()))
	})
	return entries, nil
}

// shapeOf returns the shape of a node, or nil of one that is not counted.
func shapeOf(n *nn.Node) Shape {
	x := n.In[0]
	switch op := n.Op.(type) {
	case nn.Linear:
		k := x.Dim(-1)
		return Linear{x.Shape().NumElements() / k, op.Weight.Shape[0], k}
	case nn.Conv2D:
		w := op.Weight.Shape
		return Conv{x.Dim(0), x.Dim(1), x.Dim(2), w[1], w[0], w[2], w[3], op.Stride, op.Pad}
	case nn.UpsampleConv2D: // counted as the convolution of the doubled image
		w := op.Weight.Shape
		return Conv{x.Dim(0), 2 * x.Dim(1), 2 * x.Dim(2), w[1], w[0], w[2], w[3], 1, nn.Pad(1)}
	case nn.Attention:
		return Attention{x.Dim(0), op.Heads, x.Dim(1), n.In[1].Dim(1), x.Dim(2) / op.Heads, op.Causal}
	}
	return nil
}

// FLOPs returns the arithmetic of all entries.
func FLOPs(entries []Entry) float64 {
	var sum float64
	for _, e := range entries {
		sum += float64(e.Count) * e.FLOPs()
	}
	return sum
}
