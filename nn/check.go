package nn

import "math"

// operands stops recording unless each value is of this graph and has at least
// one axis.
func (g *Graph) operands(op string, in ...*Value) {
	if len(in) == 0 {
		g.Fail("%s: no operands", op)
	}
	for _, v := range in {
		switch {
		case v == nil:
			g.Fail("%s: an operand is nil", op)
		case v.graph != g:
			g.Fail("%s: an operand belongs to another graph", op)
		case len(v.shape) == 0:
			g.Fail("%s: an operand has no axes", op)
		case v.dtype != in[0].dtype:
			g.Fail("%s: operands of %s and %s", op, in[0].dtype, v.dtype)
		}
	}
}

// weight stops recording unless there is a weight with a number of axes.
func (g *Graph) weight(op, field string, w *Weight, axes int) {
	if w == nil {
		g.Fail("%s: no %s", op, field)
	}
	if len(w.Shape) != axes {
		g.Fail("%s %s: %s has shape %v, want %d axes", op, w.Name, field, w.Shape, axes)
	}
}

// axis returns an axis of v, which is counted from the end where it is negative.
func (g *Graph) axis(op string, v *Value, axis int) int {
	at := axis
	if at < 0 {
		at += len(v.shape)
	}
	if at < 0 || at >= len(v.shape) {
		g.Fail("%s: %v has no axis %d", op, v.shape, axis)
	}
	return at
}

func (g *Graph) activation(op string, a Activation) {
	if a > GELUTanh {
		g.Fail("%s: there is no %s", op, a)
	}
}

// epsilon stops recording unless eps is a number that a variance can be added to.
func (g *Graph) epsilon(op string, eps float32) {
	if !(eps >= 0 && eps <= math.MaxFloat32) {
		g.Fail("%s: eps is %g, want 0 or more", op, eps)
	}
}

// scale returns the scale of an attention with heads of length d.
func (g *Graph) scale(op string, scale float32, d int) float32 {
	if !(scale >= 0 && scale <= math.MaxFloat32) {
		g.Fail("%s: the scale is %g, want a positive number, or 0 for 1/sqrt(%d)", op, scale, d)
	}
	if scale == 0 {
		return float32(1 / math.Sqrt(float64(d)))
	}
	return scale
}
