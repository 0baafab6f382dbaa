package nn

import (
	"slices"

	"github.com/df65613c/easel/tensor"
)

// Operand is a further operand of Linear and Conv2D.
type Operand struct {
	value    *Value
	residual bool
}

// Residual adds v, of the result's shape, before the activation.
func Residual(v *Value) Operand { return Operand{v, true} }

// ChannelBias adds v [B,O] to every pixel of the image in the batch.
func ChannelBias(v *Value) Operand { return Operand{v, false} }

// Linear records y = act(x W^T + b), with a Residual added before act if one is given.
func (g *Graph) Linear(x *Value, op Linear, extra ...Operand) *Value {
	g.operands("Linear", x)
	g.weight("Linear", "weight", op.Weight, 2)
	g.activation("Linear", op.Act)
	w := op.Weight
	if x.Dim(-1) != w.Shape[1] {
		g.Fail("Linear %s: weight %v does not fit %v", w.Name, w.Shape, x.shape)
	}
	g.checkVector("Linear", op.Bias, w.Shape[0])
	shape := x.shape.Clone()
	shape[len(shape)-1] = w.Shape[0]
	if op.Gated {
		if op.Act != Identity || len(extra) > 0 || w.Shape[0]%2 != 0 {
			g.Fail("Linear %s: with a gate it has %d rows, activation %s, %d operands; want an even number, identity, none", w.Name,
				w.Shape[0], op.Act, len(extra))
		}
		shape[len(shape)-1] /= 2
	}
	in := []*Value{x}
	for _, e := range extra {
		g.operands("Linear", x, e.value)
		if !e.residual || op.residual || !e.value.shape.Equal(shape) {
			g.Fail("Linear %s: operand %v cannot be added to %v", w.Name, e.value.shape, shape)
		}
		op.residual = true
		in = append(in, e.value)
	}
	return g.add(op, x.dtype, shape, in...)
}

// Conv2D records a convolution of the NHWC image x, with a ChannelBias and a
// Residual if they are given.
func (g *Graph) Conv2D(x *Value, op Conv2D, extra ...Operand) *Value {
	g.operands("Conv2D", x)
	g.weight("Conv2D", "weight", op.Weight, 4)
	g.activation("Conv2D", op.Act)
	w := op.Weight
	if op.Stride == 0 {
		op.Stride = 1
	}
	if p := op.Pad; op.Stride < 0 || min(p.Top, p.Left, p.Bottom, p.Right) < 0 || min(w.Shape[2], w.Shape[3]) < 1 {
		g.Fail("Conv2D %s: stride %d, padding %+v, kernel %v; want none of them below 0 and a kernel of at least 1x1", w.Name,
			op.Stride, p, w.Shape)
	}
	if len(x.shape) != 4 || w.Shape[1] != x.shape[3] {
		g.Fail("Conv2D %s: weight %v does not fit %v", w.Name, w.Shape, x.shape)
	}
	g.checkVector("Conv2D", op.Bias, w.Shape[0])
	if op.Norm != nil {
		g.checkNorm(x, op.Norm)
	}
	h := x.shape[1] + op.Pad.Top + op.Pad.Bottom - w.Shape[2]
	wd := x.shape[2] + op.Pad.Left + op.Pad.Right - w.Shape[3]
	if h < 0 || wd < 0 {
		g.Fail("Conv2D %s: image %v is smaller than the kernel %v", w.Name, x.shape, w.Shape)
	}
	shape := tensor.Shape{x.shape[0], h/op.Stride + 1, wd/op.Stride + 1, w.Shape[0]}
	var bias, residual *Value
	for _, e := range extra {
		g.operands("Conv2D", x, e.value)
		switch {
		case e.residual && residual == nil && e.value.shape.Equal(shape):
			residual = e.value
		case !e.residual && bias == nil && e.value.shape.Equal(tensor.Shape{shape[0], shape[3]}):
			bias = e.value
		default:
			g.Fail("Conv2D %s: operand %v cannot be added to %v", w.Name, e.value.shape, shape)
		}
	}
	in := []*Value{x}
	if bias != nil {
		op.channelBias = true
		in = append(in, bias)
	}
	if residual != nil {
		op.residual = true
		in = append(in, residual)
	}
	return g.add(op, x.dtype, shape, in...)
}

// GroupNorm records a group normalisation of x [B,...,C].
func (g *Graph) GroupNorm(x *Value, op GroupNorm) *Value {
	g.operands("GroupNorm", x)
	g.checkNorm(x, &op)
	return g.add(op, x.dtype, x.shape.Clone(), x)
}

func (g *Graph) checkNorm(x *Value, op *GroupNorm) {
	g.weight("GroupNorm", "scale", op.Scale, 1)
	g.weight("GroupNorm", "shift", op.Shift, 1)
	g.activation("GroupNorm", op.Act)
	g.epsilon("GroupNorm "+op.Scale.Name, op.Eps)
	c := x.Dim(-1)
	if len(x.shape) < 2 {
		g.Fail("GroupNorm %s: %v is no image [B,...,C]", op.Scale.Name, x.shape)
	}
	if op.Groups <= 0 || c%op.Groups != 0 {
		g.Fail("GroupNorm %s: %d channels are no multiple of %d groups", op.Scale.Name, c, op.Groups)
	}
	g.checkVector("GroupNorm", op.Scale, c)
	g.checkVector("GroupNorm", op.Shift, c)
}

// LayerNorm records a normalisation of the last axis.
func (g *Graph) LayerNorm(x *Value, op LayerNorm) *Value {
	g.operands("LayerNorm", x)
	g.weight("LayerNorm", "scale", op.Scale, 1)
	g.weight("LayerNorm", "shift", op.Shift, 1)
	g.epsilon("LayerNorm "+op.Scale.Name, op.Eps)
	g.checkVector("LayerNorm", op.Scale, x.Dim(-1))
	g.checkVector("LayerNorm", op.Shift, x.Dim(-1))
	return g.add(op, x.dtype, x.shape.Clone(), x)
}

// Attention records an attention over tokens: q [B,T,heads*D], k and v [B,S,heads*D].
func (g *Graph) Attention(q, k, v *Value, op Attention) *Value {
	g.operands("Attention", q, k, v)
	if !attends(q, k, op.Heads) || !k.shape.Equal(v.shape) {
		g.Fail("Attention: %d heads over q %v, k %v, v %v", op.Heads, q.shape, k.shape, v.shape)
	}
	op.Scale = g.scale("Attention", op.Scale, q.shape[2]/op.Heads)
	return g.add(op, q.dtype, q.shape.Clone(), q, k, v)
}

// AttentionReceived records how much attention each key gets.
func (g *Graph) AttentionReceived(q, k *Value, op AttentionReceived) *Value {
	g.operands("AttentionReceived", q, k)
	if !attends(q, k, op.Heads) {
		g.Fail("AttentionReceived: %d heads over q %v, k %v", op.Heads, q.shape, k.shape)
	}
	op.Scale = g.scale("AttentionReceived", op.Scale, q.shape[2]/op.Heads)
	return g.add(op, q.dtype, k.shape[:2].Clone(), q, k)
}

// attends reports whether queries [B,T,heads*D] fit keys [B,S,heads*D].
func attends(q, k *Value, heads int) bool {
	return len(q.shape) == 3 && len(k.shape) == 3 && k.shape[0] == q.shape[0] && k.shape[2] == q.shape[2] &&
		heads > 0 && q.shape[2]%heads == 0
}

// GEGLU records a gated activation of the last axis, which it halves.
func (g *Graph) GEGLU(x *Value) *Value {
	g.operands("GEGLU", x)
	shape := x.shape.Clone()
	n := len(shape) - 1
	if shape[n]%2 != 0 {
		g.Fail("GEGLU: the last axis of %v is odd", x.shape)
	}
	shape[n] /= 2
	return g.add(GEGLU{}, x.dtype, shape, x)
}

// Activate records an activation.
func (g *Graph) Activate(x *Value, act Activation) *Value {
	g.operands("Activate", x)
	g.activation("Activate", act)
	return g.add(Activate{act}, x.dtype, x.shape.Clone(), x)
}

// Add records x + y; y has x's shape or is [B,1,..,1,C].
func (g *Graph) Add(x, y *Value) *Value {
	g.operands("Add", x, y)
	if !y.shape.Equal(x.shape) && !isChannelBias(x.shape, y.shape) {
		g.Fail("Add: %v and %v", x.shape, y.shape)
	}
	return g.add(Add{}, x.dtype, x.shape.Clone(), x, y)
}

// isChannelBias reports whether bias is [B,1,..,1,C] to x's [B,..,C].
func isChannelBias(x, bias tensor.Shape) bool {
	n := len(x)
	if n < 2 || len(bias) != n || bias[0] != x[0] || bias[n-1] != x[n-1] {
		return false
	}
	return !slices.ContainsFunc(bias[1:n-1], func(d int) bool { return d != 1 })
}

// Mul records the elementwise product.
func (g *Graph) Mul(x, y *Value) *Value {
	g.operands("Mul", x, y)
	if !y.shape.Equal(x.shape) {
		g.Fail("Mul: %v and %v", x.shape, y.shape)
	}
	return g.add(Mul{}, x.dtype, x.shape.Clone(), x, y)
}

// Affine records scale*x + shift.
func (g *Graph) Affine(x *Value, scale, shift float32) *Value {
	g.operands("Affine", x)
	return g.add(Affine{scale, shift}, x.dtype, x.shape.Clone(), x)
}

// Concat records the values joined along an axis. A negative axis counts from
// the end.
func (g *Graph) Concat(axis int, in ...*Value) *Value {
	g.operands("Concat", in...)
	first := in[0].shape
	axis = g.axis("Concat", in[0], axis)
	shape := first.Clone()
	for _, v := range in[1:] {
		s := v.shape.Clone()
		if len(s) == len(first) {
			s[axis] = first[axis]
		}
		if !s.Equal(first) {
			g.Fail("Concat on axis %d: %v and %v", axis, first, v.shape)
		}
		shape[axis] += v.shape[axis]
	}
	return g.add(Concat{axis}, in[0].dtype, shape, in...)
}

// Slice records elements start to stop-1 along an axis. A negative axis counts
// from the end.
func (g *Graph) Slice(x *Value, axis, start, stop int) *Value {
	g.operands("Slice", x)
	axis = g.axis("Slice", x, axis)
	if start < 0 || stop <= start || stop > x.shape[axis] {
		g.Fail("Slice: %d:%d of axis %d of %v", start, stop, axis, x.shape)
	}
	shape := x.shape.Clone()
	shape[axis] = stop - start
	return g.add(Slice{axis, start, stop}, x.dtype, shape, x)
}

// UpsampleConv2D records a 3x3 convolution of the image x doubled in size.
func (g *Graph) UpsampleConv2D(x *Value, op UpsampleConv2D) *Value {
	g.operands("UpsampleConv2D", x)
	g.weight("UpsampleConv2D", "weight", op.Weight, 4)
	w := op.Weight
	if len(x.shape) != 4 || w.Shape[1] != x.shape[3] || w.Shape[2] != 3 || w.Shape[3] != 3 {
		g.Fail("UpsampleConv2D %s: weight %v does not fit %v", w.Name, w.Shape, x.shape)
	}
	g.checkVector("UpsampleConv2D", op.Bias, w.Shape[0])
	return g.add(op, x.dtype, tensor.Shape{x.shape[0], 2 * x.shape[1], 2 * x.shape[2], w.Shape[0]}, x)
}

// Upsample records a nearest-neighbour resize of an NHWC image to h x w.
func (g *Graph) Upsample(x *Value, h, w int) *Value {
	g.operands("Upsample", x)
	if len(x.shape) != 4 || h <= 0 || w <= 0 {
		g.Fail("Upsample: %v to %dx%d", x.shape, h, w)
	}
	return g.add(Upsample{h, w}, x.dtype, tensor.Shape{x.shape[0], h, w, x.shape[3]}, x)
}

// FourierFilter records a scaling of the lowest frequencies of an NHWC image.
func (g *Graph) FourierFilter(x *Value, op FourierFilter) *Value {
	g.operands("FourierFilter", x)
	if len(x.shape) != 4 {
		g.Fail("FourierFilter: %v is no NHWC image", x.shape)
	}
	return g.add(op, x.dtype, x.shape.Clone(), x)
}

// Embedding records the table's rows for ids [B,T] (I32), plus positions if there
// are any.
func (g *Graph) Embedding(ids *Value, op Embedding) *Value {
	g.operands("Embedding", ids)
	g.weight("Embedding", "table", op.Table, 2)
	t, p := op.Table, op.Positions
	if len(ids.shape) != 2 || ids.dtype != tensor.I32 {
		g.Fail("Embedding %s: table %v for ids %s%v", t.Name, t.Shape, ids.dtype, ids.shape)
	}
	if p != nil && (len(p.Shape) != 2 || p.Shape[1] != t.Shape[1] || p.Shape[0] < ids.shape[1]) {
		g.Fail("Embedding %s: positions %v for %d tokens of table %v", p.Name, p.Shape, ids.shape[1], t.Shape)
	}
	return g.add(op, tensor.F32, tensor.Shape{ids.shape[0], ids.shape[1], t.Shape[1]}, ids)
}

// Parameter records a weight as a value [batch,...], the same for each row.
func (g *Graph) Parameter(w *Weight, batch int) *Value {
	if w == nil {
		g.Fail("Parameter: no weight")
	}
	return g.add(Parameter{w}, tensor.F32, append(tensor.Shape{batch}, w.Shape...))
}

// TimestepEmbedding records the sinusoidal embedding of each number of x.
func (g *Graph) TimestepEmbedding(x *Value, dim int) *Value {
	g.operands("TimestepEmbedding", x)
	if dim <= 0 || dim%2 != 0 {
		g.Fail("TimestepEmbedding: dimension %d is not even and positive", dim)
	}
	return g.add(TimestepEmbedding{dim}, x.dtype, append(x.shape.Clone(), dim), x)
}

// TokenRow records, for each sequence, the row of x [B,T,C] at a token of ids [B,T].
func (g *Graph) TokenRow(x, ids *Value, token int32) *Value {
	g.operands("TokenRow", x)
	g.operands("TokenRow", ids)
	if len(x.shape) != 3 || !ids.shape.Equal(x.shape[:2]) || ids.dtype != tensor.I32 {
		g.Fail("TokenRow: ids %s%v for %v", ids.dtype, ids.shape, x.shape)
	}
	return g.add(TokenRow{token}, x.dtype, tensor.Shape{x.shape[0], x.shape[2]}, x, ids)
}

// Transpose records a permutation of the axes: axis i of the result is axis perm[i] of x.
func (g *Graph) Transpose(x *Value, perm ...int) *Value {
	g.operands("Transpose", x)
	if len(perm) != len(x.shape) {
		g.Fail("Transpose: %v of %v", perm, x.shape)
	}
	shape := make(tensor.Shape, len(perm))
	var seen uint64
	for i, p := range perm {
		if p < 0 || p >= len(perm) || seen>>p&1 != 0 {
			g.Fail("Transpose: %v is no permutation of the axes of %v", perm, x.shape)
		}
		seen |= 1 << p
		shape[i] = x.shape[p]
	}
	return g.add(Transpose{perm}, x.dtype, shape, x)
}

// Cast records a conversion, or a copy where the type stays.
func (g *Graph) Cast(x *Value, to tensor.DType) *Value {
	g.operands("Cast", x)
	return g.add(Cast{to}, to, x.shape.Clone(), x)
}

// Reshape gives the same elements another shape. It costs nothing: the result
// shares x's memory.
func (g *Graph) Reshape(x *Value, shape ...int) *Value {
	if x == nil || x.graph != g {
		g.operands("Reshape", x)
	}
	v := g.value(x.dtype, tensor.Shape(shape).Clone())
	if v.shape.NumElements() != x.shape.NumElements() {
		g.Fail("Reshape: %v to %v", x.shape, v.shape)
	}
	v.root = x.root
	return v
}

func (g *Graph) checkVector(op string, w *Weight, n int) {
	if w != nil && (len(w.Shape) != 1 || w.Shape[0] != n) {
		g.Fail("%s: %s has shape %v, not [%d]", op, w.Name, w.Shape, n)
	}
}
