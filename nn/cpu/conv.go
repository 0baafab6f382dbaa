package cpu

import (
	"fmt"

	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// convolution is a Conv2D node with its weights.
type convolution struct {
	*compiler
	node   *nn.Node
	op     nn.Conv2D
	weight *tensor.Tensor
	format convert.Format
	bias   []float32
}

func (c *compiler) conv(index int, n *nn.Node, op nn.Conv2D) error {
	t, format, err := load(op.Weight)
	if err != nil {
		return err
	}
	if !t.IsContiguous() {
		return fmt.Errorf("weight %s with strides %v is not contiguous", op.Weight.Name, t.Strides())
	}
	c.countWeight(t)
	bias, err := c.vector(op.Bias)
	if err != nil {
		return err
	}
	v, x := convolution{c, n, op, t, format, bias}, n.In[0]
	if op.Norm == nil {
		v.rows(band{images: x.Dim(0), in1: x.Dim(1), out1: n.Out.Dim(1)}, func() []float32 { return c.executable.f32(x) })
		return nil
	}
	return v.normalised(index)
}

// normalised adds passes that normalise a band of rows into work space, and
// convolve it: the whole normalised image is never in memory.
func (v *convolution) normalised(index int) error {
	x, e := v.node.In[0], v.executable
	a, err := v.groupAffine(index, x, v.op.Norm)
	if err != nil {
		return err
	}
	apply, width := normalise(v.op.Norm.Act), x.Dim(2)*x.Dim(3)
	bands := v.bands()
	largest := 0
	for _, b := range bands {
		largest = max(largest, b.images*(b.in1-b.in0))
	}
	work := v.reserve(index, largest*width*4)
	for _, b := range bands {
		rows := b.in1 - b.in0
		v.step(b.images*rows, 0, func(_, unit int) {
			image, row := b.image+unit/rows, b.in0+unit%rows
			mul, add := a(image)
			src := e.f32(x)[(image*x.Dim(1)+row)*width:][:width]
			apply(elements[float32](work())[unit*width:][:width], src, mul, add)
		})
		v.rows(b, func() []float32 { return elements[float32](work()) })
	}
	return nil
}

// band is some rows of some images, in front of a convolution and behind it.
type band struct {
	image, images        int
	in0, in1, out0, out1 int
}

// bands divides the output so that the input of each part takes no more than
// the compiler's band: all images at once if they fit, else rows of one.
func (v *convolution) bands() []band {
	x, y := v.node.In[0], v.node.Out
	batch, h, row := x.Dim(0), x.Dim(1), x.Dim(2)*x.Dim(3)*4
	if batch*h*row <= v.band {
		return []band{{images: batch, in1: h, out1: y.Dim(1)}}
	}
	parts := (h*row + v.band - 1) / v.band
	rows := (y.Dim(1) + parts - 1) / parts
	var bands []band
	for image := range batch {
		for out := 0; out < y.Dim(1); out += rows {
			b := band{image: image, images: 1, out0: out, out1: min(out+rows, y.Dim(1))}
			b.in0 = max(0, b.out0*v.op.Stride-v.op.Pad.Top)
			b.in1 = min(h, (b.out1-1)*v.op.Stride-v.op.Pad.Top+v.op.Weight.Shape[2])
			bands = append(bands, b)
		}
	}
	return bands
}

// rows adds the pass that convolves a band, whose input begins at x.
func (v *convolution) rows(b band, x func() []float32) {
	n, op, w, e := v.node, v.op, v.op.Weight.Shape, v.executable
	first := b.out0*op.Stride - op.Pad.Top // rows that the taps reach, some of them padding
	last := (b.out1-1)*op.Stride - op.Pad.Top + w[2]
	plan := conv.NewPlan(conv.Shape{
		B: b.images, H: b.in1 - b.in0, W: n.In[0].Dim(2), CI: w[1], CO: w[0], KH: w[2], KW: w[3], Stride: op.Stride,
		PadT: b.in0 - first, PadL: op.Pad.Left, PadB: last - b.in1, PadR: op.Pad.Right,
	})
	row := n.Out.Dim(2) * w[0]
	from, to := (b.image*n.Out.Dim(1)+b.out0)*row, ((b.image+b.images-1)*n.Out.Dim(1)+b.out1)*row
	act := epilogue(op.Act)
	v.step(plan.Units(), plan.ScratchSize(), func(worker, unit int) {
		o := conv.Operands{X: x(), W: data(v.weight), Format: v.format, Bias: v.bias, Y: e.f32(n.Out)[from:to], Epilogue: act}
		if op.HasChannelBias() {
			o.ChannelBias = e.f32(n.In[1])[b.image*w[0]:]
		}
		if op.HasResidual() {
			o.Add = e.f32(n.In[len(n.In)-1])[from:to]
		}
		plan.Run(unit, e.scratch[worker], &o)
	})
}
