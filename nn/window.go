package nn

// Window says which rows of an image a part of a convolution reads, and which
// rows of the result it makes. The first operands hold the image, some
// consecutive rows each. If the image is normalised, the next operand is its
// GroupScale. A residual has the rows that the part makes, or all rows.
type Window struct {
	Parts          int // operands that hold rows of the image
	First          int // the row at which they begin
	Height         int // of the image
	Out, OutHeight int // the first row that is made, and how many the result has
}

// reach is how the rows that a convolution reads depend on those it makes.
type reach struct{ taps, stride, pad, factor int }

// reachOf returns the reach of an operation on images that can be made in
// parts, and whether it is one.
func reachOf(op Op) (reach, bool) {
	switch op := op.(type) {
	case Conv2D:
		return reach{op.Weight.Shape[2], op.Stride, op.Pad.Top, 1}, !op.channelBias
	case UpsampleConv2D:
		return reach{3, 1, 1, 2}, true
	}
	return reach{}, false
}

// rows returns which of the h rows of an image the rows from and up to to of
// the result are made from.
func (r reach) rows(from, to, h int) (first, last int) {
	first = min(max(0, from*r.stride-r.pad)/r.factor, h-1)
	last = min(h, ((to-1)*r.stride-r.pad+r.taps+r.factor-1)/r.factor)
	return first, max(last, first+1)
}

// windowed returns the operation as one that makes a part.
func windowed(op Op, w Window) Op {
	switch op := op.(type) {
	case Conv2D:
		op.window = &w
		return op
	case UpsampleConv2D:
		op.window = &w
		return op
	}
	return op
}

// normOf returns the norm of the image that an operation convolves, or nil.
func normOf(op Op) *GroupNorm {
	c, _ := op.(Conv2D)
	return c.Norm
}

// residualOf returns what a node adds to the image it makes, or nil.
func residualOf(n *Node) *Value {
	if c, _ := n.Op.(Conv2D); c.residual {
		return n.In[len(n.In)-1]
	}
	return nil
}
