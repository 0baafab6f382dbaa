package conv

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// block is a unit of work: some rows of an image, some output channels.
type block struct {
	*Plan
	*Operands
	image, y0, y1, c0, c1 int

	i0    int  // first input channel of the current block of the sum
	final bool // whether that block is the last
}

func (b *block) run(panels []float32, mem []byte) {
	s, area := b.shape, b.shape.KH*b.shape.KW
	bias, _ := scratch.Floats(mem, b.c1-b.c0)
	b.sumBias(bias, b.Operands, b.image, b.c0)
	w := gemm.Matrix{Data: b.W, Format: b.Format, RowStride: s.CI * area, ColStride: 1}
	t := gemm.Tile{
		B: unsafe.Pointer(unsafe.SliceData(panels)), PanelStride: bytes(len(b.order) * b.kernel.NR),
		Cols: uintptr(b.c1 - b.c0), Bias: unsafe.Pointer(unsafe.SliceData(bias)),
	}
	for b.i0 = 0; b.i0 == 0 || b.i0 < s.CI; b.i0 += b.ib {
		i1 := min(b.i0+b.ib, s.CI)
		b.final = i1 == s.CI
		b.kernel.Pack(panels, w, b.c0, b.c1, b.i0*area, i1*area, len(b.order), b.order)
		t.K = uintptr(i1 - b.i0)
		for i, y := range b.ys {
			y.from, y.to = max(y.from, b.y0), min(y.to, b.y1)
			if y.from >= y.to {
				continue
			}
			for j, x := range b.xs {
				segs := b.taps[i*len(b.xs)+j]
				t.Segs, t.NSeg = unsafe.SliceData(segs), uintptr(len(segs))
				b.area(&t, y, x)
			}
		}
		t.Bias = nil
	}
}

// area computes a rectangle of pixels that have the same taps, in tiles that
// lie along its longer side.
func (b *block) area(t *gemm.Tile, y, x span) {
	s := b.shape
	if x.to-x.from >= min(y.to-y.from, b.kernel.MR) {
		t.LDA, t.LDC = bytes(s.Stride*s.CI), bytes(s.CO)
		for oy := y.from; oy < y.to; oy++ {
			for ox, n := x.from, 0; ox < x.to; ox += n {
				n = b.kernel.Rows(x.to - ox)
				b.tile(t, oy, ox, n, y, x)
				b.finish(oy, ox, n, 0, 1)
			}
		}
		return
	}
	t.LDA, t.LDC = bytes(s.Stride*s.W*s.CI), bytes(b.outW*s.CO)
	for ox := x.from; ox < x.to; ox++ {
		for oy, n := y.from, 0; oy < y.to; oy += n {
			n = b.kernel.Rows(y.to - oy)
			b.tile(t, oy, ox, n, y, x)
			b.finish(oy, ox, n, 1, 0)
		}
	}
}

// tile computes n pixels from oy, ox on.
func (b *block) tile(t *gemm.Tile, oy, ox, n int, y, x span) {
	s := b.shape
	iy, ix := oy*s.Stride-s.PadT+y.tap0, ox*s.Stride-s.PadL+x.tap0
	if t.NSeg > 0 {
		t.A = gemm.At(b.X, ((b.image*s.H+iy)*s.W+ix)*s.CI+b.i0)
	}
	out := b.pixel(oy, ox) + b.c0
	t.Rows, t.LDAdd = uintptr(n), t.LDC
	t.C = gemm.At(b.Y, out)
	t.Add = t.C
	if b.i0 == 0 {
		t.Add = gemm.At(b.Add, out)
	}
	b.kernel.Run(t)
}

// finish applies the epilogue to n pixels from oy, ox on, dy and dx apart.
func (b *block) finish(oy, ox, n, dy, dx int) {
	if b.Epilogue == nil || !b.final {
		return
	}
	for i := range n {
		at := b.pixel(oy+i*dy, ox+i*dx)
		b.Epilogue(b.Y[at+b.c0 : at+b.c1])
	}
}

// pixel returns the index in Y of an output pixel.
func (b *block) pixel(oy, ox int) int {
	return ((b.image*b.outH+oy)*b.outW + ox) * b.shape.CO
}
