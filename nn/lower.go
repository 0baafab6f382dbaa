package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/df65613c/easel/tensor"
)

// Lower turns a graph into a program: it keeps what the outputs and the named
// taps need, and replaces each operation that the backend lacks by simpler ones.
func Lower(g *Graph, supports func(Op, tensor.DType) bool, taps []string) (*Program, error) {
	l := lowering{Graph: Graph{values: g.values}, supports: supports}
	p := &Program{Inputs: g.inputs}
	nodes := slices.Clone(g.nodes)
	outputs := slices.Clone(g.outputs)
	for _, name := range taps {
		i := slices.IndexFunc(g.taps, func(t tap) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("nn: the graph has no value named %q to tap; there are %s", name, strings.Join(g.Taps(), ", "))
		}
		t := g.taps[i].Named
		if g.taps[i].image {
			v := l.value(t.Value.dtype, nchw(t.Value.shape))
			nodes = append(nodes, Node{Transpose{[]int{0, 3, 1, 2}}, []*Value{t.Value}, v})
			t.Value = v
		}
		outputs = append(outputs, t)
	}
	// An output needs memory of its own: copy it if it is an input, a view or another output.
	own := make(map[*Value]bool)
	for _, in := range g.inputs {
		own[in.Value] = true
	}
	for i, o := range outputs {
		if o.Value.root != o.Value || own[o.Value] {
			v := l.value(o.Value.dtype, o.Value.shape)
			nodes = append(nodes, Node{Cast{v.dtype}, []*Value{o.Value}, v})
			outputs[i].Value = v
		}
		own[outputs[i].Value] = true
	}
	for _, n := range live(nodes, outputs) {
		if err := l.lower(n); err != nil {
			return nil, err
		}
	}
	p.Nodes, p.Outputs, p.Values = l.nodes, outputs, l.values
	return p, nil
}

func nchw(s tensor.Shape) tensor.Shape { return tensor.Shape{s[0], s[3], s[1], s[2]} }

// live returns the nodes that the outputs depend on, in order.
func live(nodes []Node, outputs []Named) []Node {
	need := make(map[*Value]bool)
	for _, o := range outputs {
		need[o.Value.root] = true
	}
	kept := make([]Node, 0, len(nodes))
	for _, n := range slices.Backward(nodes) {
		if !need[n.Out] {
			continue
		}
		for _, v := range n.In {
			need[v.root] = true
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	return kept
}

// lowering is a graph into which the nodes of another are copied; values keep
// their identity, and a decomposed node's last part produces its value.
type lowering struct {
	Graph
	supports func(Op, tensor.DType) bool
}

func (l *lowering) lower(n Node) error {
	if l.supports(n.Op, n.Out.dtype) {
		l.nodes = append(l.nodes, n)
		return nil
	}
	parts, ok := l.decompose(n)
	if !ok {
		return fmt.Errorf("nn: the backend has no %s on %s", n.Op.Name(), n.Out.dtype)
	}
	for _, p := range parts {
		if err := l.lower(p); err != nil {
			return err
		}
	}
	return nil
}

// like returns a new value with v's type and shape.
func (l *lowering) like(v *Value) *Value { return l.value(v.dtype, v.shape) }

// decompose splits off what is fused into an operation, one part at a time.
func (l *lowering) decompose(n Node) ([]Node, bool) {
	out, in := n.Out, n.In
	// then computes the operation without one of its parts into a new value,
	// and the part from that.
	then := func(op Op, operands []*Value, part Op, more ...*Value) ([]Node, bool) {
		v := l.like(out)
		return []Node{{op, operands, v}, {part, append([]*Value{v}, more...), out}}, true
	}
	last := len(in) - 1
	switch op := n.Op.(type) {
	case Linear:
		switch {
		case op.Gated:
			op.Gated = false
			shape := out.shape.Clone()
			shape[len(shape)-1] *= 2
			v := l.value(out.dtype, shape)
			return []Node{{op, in, v}, {GEGLU{}, []*Value{v}, out}}, true
		case op.Act != Identity:
			act := op.Act
			op.Act = Identity
			return then(op, in, Activate{act})
		case op.residual:
			op.residual = false
			return then(op, in[:last], Add{}, in[last])
		}
	case Conv2D:
		switch {
		case op.Norm != nil:
			norm, v := *op.Norm, l.like(in[0])
			op.Norm = nil
			return []Node{{norm, in[:1], v}, {op, append([]*Value{v}, in[1:]...), out}}, true
		case op.Act != Identity:
			act := op.Act
			op.Act = Identity
			return then(op, in, Activate{act})
		case op.residual:
			op.residual = false
			return then(op, in[:last], Add{}, in[last])
		case op.channelBias:
			op.channelBias = false
			b := in[1]
			view := l.value(b.dtype, tensor.Shape{b.shape[0], 1, 1, b.shape[1]})
			view.root = b.root
			return then(op, in[:1], Add{}, view)
		}
	case GroupNorm:
		if op.Act != Identity {
			act := op.Act
			op.Act = Identity
			return then(op, in, Activate{act})
		}
	case UpsampleConv2D:
		s := in[0].shape
		up := l.value(out.dtype, tensor.Shape{s[0], 2 * s[1], 2 * s[2], s[3]})
		return []Node{
			{Upsample{2 * s[1], 2 * s[2]}, in, up},
			{Conv2D{Weight: op.Weight, Bias: op.Bias, Stride: 1, Pad: Pad(1)}, []*Value{up}, out},
		}, true
	case GEGLU:
		axis, half := len(out.shape)-1, out.Dim(-1)
		a, b, gate := l.like(out), l.like(out), l.like(out)
		return []Node{
			{Slice{axis, 0, half}, in, a},
			{Slice{axis, half, 2 * half}, in, b},
			{Activate{GELU}, []*Value{b}, gate},
			{Mul{}, []*Value{a, gate}, out},
		}, true
	}
	return nil, false
}
