package pass

import (
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
)

// convolution is a Conv2D or UpsampleConv2D node.
type convolution struct {
	node   *nn.Node
	op     nn.Conv2D
	factor int       // by which the image is enlarged before
	window nn.Window // what the node reads and makes
	part   bool      // whether that is not all
}

func newConvolution(n *nn.Node, op nn.Conv2D) convolution {
	return convolution{n, op, 1, windowOf(n, op.Window()), op.Window() != nil}
}

func newUpsampled(n *nn.Node, op nn.UpsampleConv2D) convolution {
	plain := nn.Conv2D{Weight: op.Weight, Bias: op.Bias, Stride: 1, Pad: nn.Pad(1)}
	return convolution{n, plain, 2, windowOf(n, op.Window()), op.Window() != nil}
}

func windowOf(n *nn.Node, w *nn.Window) nn.Window {
	if w != nil {
		return *w
	}
	return nn.Window{Parts: 1, Height: n.In[0].Dim(1), OutHeight: n.Out.Dim(1)}
}

// band is rows of some images, in front of the convolution and behind it.
type band struct{ image, images, in0, in1, out0, out1 int }

// bandOf returns rows of the result with those of the image that they are made of.
func (v *convolution) bandOf(image, out0, out1 int) band {
	kh := v.op.Weight.Shape[2]
	first := max(0, out0*v.op.Stride-v.op.Pad.Top) / v.factor
	last := ((out1-1)*v.op.Stride - v.op.Pad.Top + kh + v.factor - 1) / v.factor
	first = min(first, v.window.Height-1)
	last = max(first+1, min(last, v.window.Height))
	return band{image, 1, first, last, out0, out1}
}

// bands divides the result, so that no part of it and no part of what it is made of
// takes more bytes than the limit, and none takes long.
func (c *compiler) bands(v *convolution, limit int64) []band {
	x, y := v.node.In[0], v.node.Out
	rowIn, rowOut := 4*int64(x.Dim(2)*x.Dim(3)), 4*int64(y.Dim(2)*y.Dim(3))
	w := v.op.Weight.Shape
	flops := 2 * float64(w.NumElements()) * float64(y.Dim(2))
	first, last := v.window.Out, v.window.Out+y.Dim(1)
	fits := func(b band) bool {
		n := int64(b.images)
		return n*int64(b.in1-b.in0)*rowIn <= limit && n*int64(b.out1-b.out0)*rowOut <= c.limits.Range-Align &&
			(c.limits.FLOPs == 0 || flops*float64(b.images*(b.out1-b.out0)) <= c.limits.FLOPs)
	}
	all := v.bandOf(0, first, last)
	all.images = x.Dim(0)
	if fits(all) {
		return []band{all}
	}
	rows := last - first
	for rows > 1 && !fits(v.bandOf(0, first+(last-first-rows)/2, first+(last-first-rows)/2+rows)) {
		rows = (rows + 1) / 2
	}
	var list []band
	for image := range x.Dim(0) {
		for r := first; r < last; r += rows {
			list = append(list, v.bandOf(image, r, min(r+rows, last)))
		}
	}
	return list
}

// conv adds the passes of a convolution. An image that is to be normalised, or that
// lies in parts, is prepared in work space, some rows at a time.
func (c *compiler) conv(v convolution) error {
	n, op, x := v.node, v.op, v.node.In[0]
	w, err := c.matrix(op.Weight, true)
	if err != nil {
		return err
	}
	bias, err := c.vector(op.Bias)
	if err != nil {
		return err
	}
	if op.Norm == nil && !v.part {
		for _, b := range c.bands(&v, c.limits.Range-Align) {
			from, size := (b.image*x.Dim(1)+b.in0)*x.Dim(2)*x.Dim(3), b.images*(b.in1-b.in0)*x.Dim(2)*x.Dim(3)
			c.convolve(&v, b, c.part(x, from, size), w, bias)
		}
		return nil
	}
	var affine operand
	if op.Norm != nil {
		if v.part {
			affine = c.all(n.In[v.window.Parts])
		} else if affine, err = c.affine(x, op.Norm); err != nil {
			return err
		}
	}
	list := c.bands(&v, min(Band, c.limits.Range-Align))
	row := x.Dim(2) * x.Dim(3)
	most := 0
	for _, b := range list {
		most = max(most, b.images*(b.in1-b.in0)*row)
	}
	format := kernel.F32
	if c.half && row%2 == 0 && op.Norm != nil {
		format = kernel.F16
	}
	work := c.reserve(most, format)
	for _, b := range list {
		prepared := work.sub(0, b.images*(b.in1-b.in0)*row)
		at := 0
		for _, p := range v.pieces(b) {
			size := p.rows * row
			from, to := c.part(p.value, p.from*row, size), prepared.sub(at, size)
			at += size
			im := image{b.images, p.rows * x.Dim(2) / b.images, x.Dim(3)}
			if op.Norm == nil {
				c.copyWords(from, to, size)
				continue
			}
			of := affine
			if !v.part {
				of = affine.sub(2*b.image*x.Dim(3), 2*b.images*x.Dim(3))
			}
			c.normalise(from, of, to, im, op.Norm.Act)
		}
		c.convolve(&v, b, prepared, w, bias)
	}
	return nil
}

// piece is consecutive rows of a value.
type piece struct {
	value      *nn.Value
	from, rows int
}

// pieces returns where the rows of a band lie.
func (v *convolution) pieces(b band) (list []piece) {
	if !v.part {
		x := v.node.In[0]
		return []piece{{x, b.image*x.Dim(1) + b.in0, b.images * (b.in1 - b.in0)}}
	}
	at := v.window.First
	for _, x := range v.node.In[:v.window.Parts] {
		from, to := max(b.in0, at), min(b.in1, at+x.Dim(1))
		if from < to {
			list = append(list, piece{x, from - at, to - from})
		}
		at += x.Dim(1)
	}
	return list
}

// convolve adds the pass of a band whose input lies at x.
func (c *compiler) convolve(v *convolution, b band, x, w, bias operand) {
	n, op, y := v.node, v.op, v.node.Out
	s := op.Weight.Shape
	oh, ow, co := b.out1-b.out0, y.Dim(2), s[0]
	row := ow * co
	from, size := (b.image*y.Dim(1)+b.out0-v.window.Out)*row, b.images*oh*row
	spec := []uint32{kernel.Conv, uint32(x.format), uint32(w.format), uint32(c.format(y)), uint32(op.Act), 0, 0,
		kernel.Taps(s[2], s[3], op.Stride, v.factor)}
	channel, residual := none, none
	if c.half {
		spec[6] |= kernel.MayRound
	}
	if op.Bias != nil {
		spec[6] |= kernel.WithBias
	}
	if op.HasChannelBias() {
		spec[6] |= kernel.WithChannelBias
		channel = c.part(n.In[1], b.image*co, b.images*co)
	}
	if op.HasResidual() {
		spec[6] |= kernel.WithResidual
		r, skip := n.In[len(n.In)-1], 0
		if r.Dim(1) > y.Dim(1) { // of the whole image
			skip = v.window.Out * row
		}
		residual = c.part(r, skip+from, size)
	}
	m, k := b.images*oh*ow, s[1]*s[2]*s[3]
	tiles := ceil(co, kernel.TileN)
	c.emit(kernel.Gemm, spec, ceil(m, kernel.TileM)*tiles, 2*float64(m)*float64(co)*float64(k),
		[]operand{x, w, bias, channel, residual, c.part(y, from, size).to()},
		m, co, k, tiles, s[1], b.in1-b.in0, n.In[0].Dim(2), oh, ow,
		op.Pad.Top+b.in0*v.factor-b.out0*op.Stride, op.Pad.Left)
}
