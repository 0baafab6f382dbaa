package nn

import "github.com/df65613c/easel/tensor"

// streamer writes a program of parts.
type streamer struct {
	out    Program
	origin []int
	images map[*Value]*image
	scales map[*Node]*Value // of the images that nodes normalise
}

func (s *streamer) value(dt tensor.DType, shape tensor.Shape, origin int) *Value {
	v := &Value{id: s.out.Values, dtype: dt, shape: shape}
	v.root = v
	s.out.Values++
	s.origin = append(s.origin, origin)
	return v
}

// node appends one with a new result that is no part of an image.
func (s *streamer) node(op Op, dt tensor.DType, shape tensor.Shape, in ...*Value) *Value {
	v := s.value(dt, shape, -1)
	s.out.Nodes = append(s.out.Nodes, Node{op, in, v})
	return v
}

// sweep makes all parts of an image, and their moments. With a residual it goes
// from the last to the first: what is kept of the image that is read is free by
// the time that the rest is made again.
func (s *streamer) sweep(im *image) {
	from := s.images[im.maker.In[0]]
	upwards := residualOf(im.maker) != nil
	for i := range im.parts {
		if upwards {
			i = len(im.parts) - 1 - i
		}
		v := s.part(im, i)
		if im.groups > 0 {
			im.moments[i] = s.moments(v, im.groups)
		}
		if i < im.dropped {
			im.parts[i] = nil
		}
		if from == nil || upwards {
			continue
		}
		done := len(from.parts) // parts of the image read that the next one does not need
		if i+1 < len(im.parts) {
			lo, hi := im.span(i + 1)
			r, _ := reachOf(im.maker.Op)
			first, _ := r.rows(lo, hi, from.whole.Dim(1))
			done = first / from.rows
		}
		s.pass(from, done)
	}
}

// pass lets go of what was made again of an image up to a part, and lets results
// that shrink take the place of the rest.
func (s *streamer) pass(im *image, done int) {
	for j := range done {
		if j < im.dropped {
			im.parts[j] = nil
			continue
		}
		for _, r := range im.readers {
			if out := s.images[r.Out]; out != nil && out.lazy {
				s.part(out, j)
			}
		}
	}
}

// part returns a part of an image, which is made unless it is at hand.
func (s *streamer) part(im *image, i int) *Value {
	if im.parts[i] == nil {
		from, to := im.span(i)
		shape := im.whole.shape.Clone()
		shape[1] = to - from
		v := s.value(im.whole.dtype, shape, im.whole.id)
		s.emit(im.maker, from, to, v)
		im.parts[i] = v
	}
	return im.parts[i]
}

// emit appends the part of a node that makes rows from and up to to.
func (s *streamer) emit(n *Node, from, to int, out *Value) {
	x := n.In[0]
	r, _ := reachOf(n.Op)
	w := Window{Height: x.Dim(1), Out: from, OutHeight: n.Out.Dim(1)}
	in := []*Value{x}
	im := s.images[x]
	if im != nil {
		first, last := r.rows(from, to, w.Height)
		first /= im.rows
		in, w.First = nil, first*im.rows
		for i := first; i*im.rows < last; i++ {
			in = append(in, s.part(im, i))
		}
	}
	// What is left of the place of a part that was kept is as large as a part of
	// the result; among those that come and go it would only be a gap.
	if Shrinks(n) && im != nil && len(in) == 1 && from >= im.dropped*im.rows {
		s.out.Nodes = append(s.out.Nodes, Node{n.Op, in, out})
		return
	}
	w.Parts = len(in)
	if norm := normOf(n.Op); norm != nil {
		in = append(in, s.scale(n, norm))
	}
	if add := residualOf(n); add != nil {
		if im := s.images[add]; im != nil {
			add = s.part(im, from/im.rows)
		}
		in = append(in, add)
	}
	s.out.Nodes = append(s.out.Nodes, Node{windowed(n.Op, w), in, out})
}

func (s *streamer) moments(v *Value, groups int) *Value {
	return s.node(GroupMoments{groups}, tensor.F64, tensor.Shape{v.Dim(1), groups, 2}, v)
}

// scale returns the GroupScale of the image that a node normalises.
func (s *streamer) scale(n *Node, norm *GroupNorm) *Value {
	if s.scales[n] == nil {
		x := n.In[0]
		var in []*Value
		if im := s.images[x]; im != nil {
			in = im.moments
		} else {
			in = []*Value{s.moments(x, norm.Groups)}
		}
		s.scales[n] = s.node(GroupScale{norm, x.Dim(1) * x.Dim(2)}, tensor.F32, tensor.Shape{2, x.Dim(3)}, in...)
	}
	return s.scales[n]
}
