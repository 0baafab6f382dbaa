package cpu

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/winograd"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// kernel is the weights of a convolution.
type kernel struct {
	data    func() unsafe.Pointer // [CO,CI,KH,KW], while the program runs
	format  convert.Format
	scales  convert.Scales // of a quantised format
	changes *gemm.Changes  // of weights with deltas
	bias    []float32
	shape   tensor.Shape
	stride  int
	pad     nn.Padding
}

// kernel reads the weights of a convolution.
func (c *compiler) kernel(weight, bias *nn.Weight, stride int, pad nn.Padding) (kernel, error) {
	k := kernel{shape: weight.Shape, stride: stride, pad: pad}
	t, format, err := weights.LoadAny(weight)
	if err != nil {
		return k, err
	}
	if !t.IsContiguous() {
		return k, fmt.Errorf("weight %s with strides %v is not contiguous", weight.Name, t.Strides())
	}
	c.countWeight(weight, t)
	at := weights.Data(t)
	k.data, k.format = func() unsafe.Pointer { return at }, format
	if k.scales, err = c.loadScales(weight); err != nil {
		return k, err
	}
	rows := weight.Shape[1:].NumElements()
	m, err := c.withDeltas(weight, gemm.Matrix{Data: at, Format: format, RowStride: rows, ColStride: 1, Scales: k.scales})
	if err != nil {
		return k, err
	}
	k.changes = m.Changes
	k.bias, err = c.vector(bias)
	return k, err
}

// convolution is a Conv2D node with its weights.
type convolution struct {
	*compiler
	kernel
	node   *nn.Node
	op     nn.Conv2D
	factor int           // by which the image is enlarged before
	window nn.Window     // what the node reads and makes
	fast   func() []byte // the work space of Winograd's algorithm, if that is taken
}

func (c *compiler) conv(index int, n *nn.Node, op nn.Conv2D) error {
	k, err := c.kernel(op.Weight, op.Bias, op.Stride, op.Pad)
	if err != nil {
		return err
	}
	v, x := convolution{compiler: c, kernel: k, node: n, op: op, factor: 1, window: windowOf(n, op.Window())}, n.In[0]
	if c.ready(n, op) {
		whole := band{images: x.Dim(0), in1: x.Dim(1), out1: n.Out.Dim(1)}
		v.reserveFast(index, []band{whole})
		v.rows(whole, func() pixels { return c.executable.pixels(x) })
		return nil
	}
	return v.prepared(index)
}

// ready reports whether a convolution can read its image as it is kept: it is
// whole, not to be normalised or overwritten by the result, and rounded where products are.
func (c *compiler) ready(n *nn.Node, op nn.Conv2D) bool {
	return op.Norm == nil && op.Window() == nil && !nn.Shrinks(n) &&
		(!narrow(c.precision) || c.formats[n.In[0].Root().ID()] == convert.BF16)
}

// pixels are the elements of an image: either of float32 or of bfloat16.
type pixels struct {
	wide   []float32
	narrow []uint16
}

func (e *executable) pixels(v *nn.Value) (p pixels) {
	p.wide, p.narrow = e.either(v)
	return p
}

// part returns the elements from and up to to.
func (p pixels) part(from, to int) pixels {
	if p.narrow != nil {
		return pixels{narrow: p.narrow[from:to]}
	}
	return pixels{wide: p.wide[from:to]}
}

// set copies elements, rounded where they are not yet.
func (p pixels) set(src pixels) {
	switch {
	case p.narrow == nil:
		copy(p.wide, src.wide)
	case src.narrow == nil:
		convert.NarrowBF16(p.narrow, src.wide)
	default:
		copy(p.narrow, src.narrow)
	}
}

// enlarge sets a row of pixels, each of src factor times.
func (p pixels) enlarge(src pixels, factor, channels int) {
	if factor == 1 {
		p.set(src)
		return
	}
	for at := 0; at < p.len(); at += channels {
		from := at / channels / factor * channels
		p.part(at, at+channels).set(src.part(from, from+channels))
	}
}

func (p pixels) len() int { return len(p.wide) + len(p.narrow) }

// imageSize returns the height and the width of the image that is convolved.
func (v *convolution) imageSize() (h, w int) {
	return v.factor * v.window.Height, v.factor * v.node.In[0].Dim(2)
}

// prepared adds passes that normalise a band of rows into work space, or only
// enlarge, round or copy it, and convolve it: the whole image that is convolved
// is never in memory.
func (v *convolution) prepared(index int) error {
	x, e := v.node.In[0], v.executable
	stored := x.Dim(2) * x.Dim(3)
	width := v.factor * stored
	var apply func(image int, dst, src []float32)
	if v.op.Norm != nil {
		a, err := v.affine(index)
		if err != nil {
			return err
		}
		pass := normalise(v.op.Norm.Act)
		apply = func(image int, dst, src []float32) {
			mul, add := a(image)
			pass(dst, src, mul, add)
		}
	}
	bands := v.bands()
	largest := 0
	for _, b := range bands {
		largest = max(largest, b.images*(b.in1-b.in0)*width)
	}
	format, scratch := convert.F32, 0
	if narrow(v.precision) {
		format, scratch = convert.BF16, 4*width
	}
	bytes := v.reserve(index, largest*format.Size())
	work := func() pixels {
		if format == convert.BF16 {
			return pixels{narrow: elements[uint16](bytes())}
		}
		return pixels{wide: elements[float32](bytes())}
	}
	v.reserveFast(index, bands)
	for _, b := range bands {
		rows := b.in1 - b.in0
		v.step(b.images*rows, scratch, func(worker, unit int) {
			image, row := b.image+unit/rows, b.in0+unit%rows
			x, at := v.row(row / v.factor)
			from := (image*x.Dim(1) + at) * stored
			src, dst := e.pixels(x).part(from, from+stored), work().part(unit*width, (unit+1)*width)
			if apply == nil {
				dst.enlarge(src, v.factor, x.Dim(3))
				return
			}
			wide := dst.wide
			if wide == nil {
				wide = elements[float32](e.scratch[worker])[:width]
			}
			apply(image, wide, e.read(x, worker, from, from+width, 0))
			if dst.narrow != nil {
				convert.NarrowBF16(dst.narrow, wide)
			}
		})
		v.rows(b, work)
	}
	return nil
}

// convolve adds the passes of a convolution, by Winograd's algorithm if there
// is work space for it; operands gives its tensors.
func (c *compiler) convolve(s conv.Shape, fast func() []byte, operands func(o *conv.Operands)) {
	e := c.executable
	each := make([]conv.Operands, e.pool.Threads()) // so that a run allocates nothing
	if fast != nil {
		plan := c.winograd(s)
		for phase := range plan.Phases() {
			c.step(plan.Units(phase), plan.ScratchSize(), func(worker, unit int) {
				operands(&each[worker])
				plan.Run(phase, unit, fast(), e.scratch[worker], &each[worker])
			})
		}
		return
	}
	newPlan := conv.NewPlan
	if narrow(c.precision) {
		newPlan = conv.NewPlanBF16
	}
	plan := newPlan(s).For(e.pool.Threads())
	c.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		operands(&each[worker])
		plan.Run(unit, e.scratch[worker], &each[worker])
	})
}

// winograd returns a plan of Winograd's algorithm in the precision of the compiler.
func (c *compiler) winograd(s conv.Shape) *winograd.Plan {
	if narrow(c.precision) {
		return winograd.NewPlanBF16(s)
	}
	return winograd.NewPlan(s)
}

// reserveFast reserves work space for Winograd's algorithm if the whole image
// profits by it; the bands of it then take it, too.
func (v *convolution) reserveFast(index int, bands []band) {
	h, w := v.imageSize()
	whole := v.part(band{images: v.node.In[0].Dim(0), in1: h, out1: v.window.OutHeight}, w)
	if !winograd.Profitable(whole) {
		return
	}
	size := 0
	for _, b := range bands {
		size = max(size, v.winograd(v.part(b, w)).WorkspaceSize())
	}
	v.fast = v.reserve(index, size)
}

// rows adds the passes that convolve a band, whose input begins at x.
func (v *convolution) rows(b band, x func() pixels) {
	n, op, e := v.node, v.op, v.executable
	channels := v.shape[0]
	row := n.Out.Dim(2) * channels
	top := v.window.Out
	from, to := (b.image*n.Out.Dim(1)+b.out0-top)*row, ((b.image+b.images-1)*n.Out.Dim(1)+b.out1-top)*row
	act := epilogue(op.Act)
	_, w := v.imageSize()
	v.convolve(v.part(b, w), v.fast, func(o *conv.Operands) {
		in, out := x(), e.pixels(n.Out).part(from, to)
		*o = conv.Operands{X: in.wide, X16: in.narrow, W: v.data(), Format: v.format, Scales: v.scales, Changes: v.changes,
			Bias: v.bias, Y: out.wide, Y16: out.narrow, Epilogue: act}
		if op.HasChannelBias() {
			o.ChannelBias = e.f32(n.In[1])[b.image*channels:]
		}
		if op.HasResidual() {
			r, skip := n.In[len(n.In)-1], 0
			if r.Dim(1) > n.Out.Dim(1) { // the whole image
				skip = top * row
			}
			add := e.pixels(r).part(skip+from, skip+to)
			o.Add, o.Add16 = add.wide, add.narrow
		}
	})
}
