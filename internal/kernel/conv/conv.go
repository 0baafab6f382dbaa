// Package conv convolves images, channels last, with weights that may be F32,
// F16 or BF16 in memory. Sums are in float32. Factors are in float32 ([NewPlan]),
// or rounded to bfloat16 ([NewPlanBF16]); then images may be bfloat16 in memory,
// too, and on processors with AVX512_BF16 are read in place if the number of
// their channels is even.
//
// Nothing is unrolled or padded in memory: a tap of the kernel is a constant
// offset in the rows of pixels that the micro-kernels of package gemm read.
// Pixels near the border, which miss some taps, are tiled by themselves.
package conv

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// Shape is the shape of a convolution. Padding is zeros, by side.
type Shape struct {
	B, H, W, CI, CO        int
	KH, KW, Stride         int
	PadT, PadL, PadB, PadR int
}

// OutH returns the height of the output.
func (s Shape) OutH() int { return (s.H+s.PadT+s.PadB-s.KH)/s.Stride + 1 }

// OutW returns the width of the output.
func (s Shape) OutW() int { return (s.W+s.PadL+s.PadR-s.KW)/s.Stride + 1 }

func (s Shape) check() {
	if min(s.B, s.H, s.W, s.CI, s.CO) < 0 || min(s.KH, s.KW, s.Stride) < 1 || min(s.PadT, s.PadL, s.PadB, s.PadR) < 0 {
		panic(fmt.Sprintf("conv: bad shape %+v", s))
	}
	if s.H+s.PadT+s.PadB < s.KH || s.W+s.PadL+s.PadR < s.KW {
		panic(fmt.Sprintf("conv: the kernel of %+v is larger than the padded image", s))
	}
}

// pointwise reports whether every pixel is a row of a plain matrix product.
func (s Shape) pointwise() bool {
	return s.KH == 1 && s.KW == 1 && s.Stride == 1 && s.PadT == 0 && s.PadL == 0 && s.PadB == 0 && s.PadR == 0
}

// Plan divides a convolution into units of work. It holds no operands, and is
// safe for concurrent use. The value of a pixel does not depend on the batch or
// on its place in a unit.
type Plan struct {
	shape      Shape
	outH, outW int
	kernel     gemm.Kernel

	matrix *gemm.Plan // a pointwise convolution, one image

	ib    int // input channels in a block of the sum
	ob    int // output channels in a unit
	yb    int // output rows in a unit
	order []uint32
	ys    []span
	xs    []span
	taps  [][]gemm.Segment // of ys[i] and xs[j] at i*len(xs)+j
}

const (
	maxBlockSteps = 704 // input channels x taps in a block of the sum
	manyUnits     = 64  // enough for the work to spread evenly
	someUnits     = 4
	channelAlign  = 16
)

// NewPlan divides a convolution for the instruction set in use. It panics if
// the shape is impossible.
func NewPlan(s Shape) *Plan { return newPlan(s, gemm.Current(), gemm.NewPlan) }

// NewPlanBF16 divides a convolution whose factors are rounded to bfloat16, to
// nearest and to even. Its operands X, Add and Y may each be float32 or bfloat16.
func NewPlanBF16(s Shape) *Plan { return newPlan(s, gemm.CurrentBF16(s.CI), gemm.NewPlanBF16) }

func newPlan(s Shape, kn gemm.Kernel, matrix func(m, n, k int) *gemm.Plan) *Plan {
	s.check()
	p := &Plan{shape: s, outH: s.OutH(), outW: s.OutW(), kernel: kn}
	p.ob = gemm.BlockColumns(p.kernel, s.CO)
	if s.pointwise() {
		p.matrix = matrix(s.H*s.W, s.CO, s.CI)
		return p
	}
	area := s.KH * s.KW
	p.ib = max(1, s.CI)
	if blocks := ceilDiv(kn.Steps(s.CI*area), maxBlockSteps); blocks > 1 {
		p.ib = min(s.CI, ceilDiv(ceilDiv(s.CI, blocks), channelAlign)*channelAlign)
	}
	p.yb = p.rowsPerUnit()

	// The weight is [CO][CI][tap]; in a panel it is [tap][CI].
	p.order = make([]uint32, p.ib*area)
	for i := range p.order {
		p.order[i] = uint32(i%area*p.ib + i/area)
	}
	p.ys = spans(p.outH, s.H, s.KH, s.Stride, s.PadT)
	p.xs = spans(p.outW, s.W, s.KW, s.Stride, s.PadL)
	for _, y := range p.ys {
		for _, x := range p.xs {
			p.taps = append(p.taps, p.segments(y, x))
		}
	}
	return p
}

// For returns the plan with units for a number of threads.
func (p *Plan) For(threads int) *Plan {
	if p.matrix == nil {
		return p // many units in any case
	}
	q := *p
	q.matrix = p.matrix.For(threads)
	return &q
}

func (p *Plan) rowsPerUnit() int {
	columns := max(1, p.shape.B*ceilDiv(p.shape.CO, p.ob))
	least, most := 2*p.kernel.BlockRows, p.kernel.MaxBlockRows // pixels
	rows := max(min(ceilDiv(p.outH, ceilDiv(manyUnits, columns)), most/p.outW), ceilDiv(least, p.outW))
	if columns*ceilDiv(p.outH, rows) < someUnits {
		rows = ceilDiv(p.outH, ceilDiv(someUnits, columns))
	}
	return max(1, min(rows, p.outH))
}

// segments returns the taps that fall inside the image, relative to the first
// such tap.
func (p *Plan) segments(y, x span) []gemm.Segment {
	var segs []gemm.Segment
	for ky := y.tap0; ky < y.tap1; ky++ {
		for kx := x.tap0; kx < x.tap1; kx++ {
			segs = append(segs, gemm.Segment{
				A: bytes(p.kernel.Steps(((ky-y.tap0)*p.shape.W + kx - x.tap0) * p.shape.CI)),
				B: bytes(p.kernel.Steps((ky*p.shape.KW+kx)*p.ib) * p.kernel.NR),
			})
		}
	}
	return segs
}

// Units returns the number of units of work, which may run in any order and at
// the same time.
func (p *Plan) Units() int {
	if p.matrix != nil {
		return p.shape.B * p.matrix.Units()
	}
	return p.shape.B * ceilDiv(p.outH, p.yb) * ceilDiv(p.shape.CO, p.ob)
}

// ScratchSize returns the bytes of scratch memory that a worker needs.
func (p *Plan) ScratchSize() int {
	if p.matrix != nil {
		return p.matrix.ScratchSize() + scratch.Size(p.shape.CO)
	}
	return scratch.Size(p.kernel.PanelsLen(p.ob, len(p.order)), p.ob, p.stagedLen(), p.partialLen())
}

// stagedLen is the length of the rows of X that a unit needs, in the form that
// the kernel reads.
func (p *Plan) stagedLen() int {
	if p.kernel.InPlace() {
		return 0
	}
	rows := min(p.shape.H, (p.yb-1)*p.shape.Stride+p.shape.KH)
	return p.kernel.Steps(rows * p.shape.W * p.shape.CI)
}

// partialLen is the length of the sums of a unit, or if they are complete after
// one block of channels, of a tile.
func (p *Plan) partialLen() int {
	switch {
	case p.kernel.InPlace():
		return 0
	case p.ib < p.shape.CI:
		return p.yb * p.outW * p.ob
	}
	return p.kernel.MR * p.ob
}

// Operands are the tensors of one convolution. Those in bfloat16 are for plans
// of [NewPlanBF16].
type Operands struct {
	X           []float32      // [B,H,W,CI]
	X16         []uint16       // bfloat16, instead of X
	W           unsafe.Pointer // [CO,CI,KH,KW]
	Format      convert.Format // of W
	Scales      convert.Scales // of W in a quantised format
	Changes     *gemm.Changes  // made to W as a matrix [CO,CI*KH*KW], or nil
	Bias        []float32      // [CO], or nil
	ChannelBias []float32      // [B,CO], or nil
	Add         []float32      // [B,OutH,OutW,CO] or nil; may be Y
	Add16       []uint16       // bfloat16, instead of Add; may be Y16
	Y           []float32      // [B,OutH,OutW,CO]; must not overlap X
	Y16         []uint16       // bfloat16, instead of Y

	// Epilogue, if not nil, is applied in place to every part of a pixel of Y
	// once it is complete, before it is rounded to bfloat16.
	Epilogue func([]float32)
}

// Matrix returns the weight as one with rows of n values.
func (o *Operands) Matrix(n int) gemm.Matrix {
	return gemm.Matrix{Data: o.W, Format: o.Format, RowStride: n, ColStride: 1, Scales: o.Scales, Changes: o.Changes}
}

// check panics if an operand is too short for the kernels, which do not look.
func (p *Plan) check(o *Operands) {
	s, out := p.shape, p.shape.B*p.outH*p.outW*p.shape.CO
	if p.kernel.InPlace() && (o.X16 != nil || o.Add16 != nil || o.Y16 != nil) {
		panic("conv: operands in bfloat16 in a plan of NewPlan; NewPlanBF16 takes them")
	}
	need("X", o.X, o.X16, s.B*s.H*s.W*s.CI)
	need("Y", o.Y, o.Y16, out)
	if o.Bias != nil {
		need("Bias", o.Bias, nil, s.CO)
	}
	if o.ChannelBias != nil {
		need("ChannelBias", o.ChannelBias, nil, s.B*s.CO)
	}
	if o.Add != nil || o.Add16 != nil {
		need("Add", o.Add, o.Add16, out)
	}
	if o.W == nil && s.CI > 0 {
		panic("conv: no weight")
	}
}

// need panics unless one of v and v16 is given, and has n values.
func need(name string, v []float32, v16 []uint16, n int) {
	if v != nil && v16 != nil {
		panic(fmt.Sprintf("conv: %s is given in float32 and in bfloat16", name))
	}
	if have := len(v) + len(v16); have < n {
		panic(fmt.Sprintf("conv: %s has %d values, %d are needed", name, have, n))
	}
}

// Run does one unit of work. It allocates nothing.
func (p *Plan) Run(unit int, mem []byte, o *Operands) {
	p.check(o)
	if p.matrix != nil {
		p.runPointwise(unit, mem, o)
		return
	}
	rowBlocks, columnBlocks := ceilDiv(p.outH, p.yb), ceilDiv(p.shape.CO, p.ob)
	y0 := unit % rowBlocks * p.yb
	c0 := unit / rowBlocks % columnBlocks * p.ob
	b := block{
		Plan: p, Operands: *o, image: unit / rowBlocks / columnBlocks,
		y0: y0, y1: min(y0+p.yb, p.outH), c0: c0, c1: min(c0+p.ob, p.shape.CO),
	}
	b.run(mem)
}

// runPointwise treats the pixels of an image as the rows of a matrix.
func (p *Plan) runPointwise(unit int, mem []byte, o *Operands) {
	s, pixels := p.shape, p.shape.H*p.shape.W
	image := unit / p.matrix.Units()
	bias, mem := scratch.Floats(mem, s.CO)
	p.sumBias(bias, o, image, 0)
	x, y := image*pixels*s.CI, image*pixels*s.CO
	m := gemm.Operands{
		A: from(o.X, x), A16: from(o.X16, x), LDA: s.CI,
		W:    o.Matrix(s.CI),
		Bias: bias, Add: from(o.Add, y), Add16: from(o.Add16, y), LDAdd: s.CO,
		C: from(o.Y, y), C16: from(o.Y16, y), LDC: s.CO, Epilogue: o.Epilogue,
	}
	p.matrix.Run(unit%p.matrix.Units(), mem, &m)
}

// from returns the values of v from i on, and nil of nil.
func from[T float32 | uint16](v []T, i int) []T {
	if v == nil {
		return nil
	}
	return v[i:]
}

// sumBias sets dst to the sum of both biases of an image, from output channel c on.
func (p *Plan) sumBias(dst []float32, o *Operands, image, c int) {
	clear(dst)
	if o.Bias != nil {
		copy(dst, o.Bias[c:])
	}
	if o.ChannelBias != nil {
		for i, v := range o.ChannelBias[image*p.shape.CO+c:][:len(dst)] {
			dst[i] += v
		}
	}
}

func bytes(floats int) uintptr { return uintptr(4 * floats) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
