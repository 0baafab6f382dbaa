package conv

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// block is a unit of work: some rows of an image, some output channels.
type block struct {
	*Plan
	Operands
	image, y0, y1, c0, c1 int

	in    input
	out   gemm.Output
	i0    int  // first input channel of the current block of the sum
	final bool // whether that block is the last
}

func (b *block) run(mem []byte) {
	s, area := b.shape, b.shape.KH*b.shape.KW
	panels, mem := scratch.Floats(mem, b.kernel.PanelsLen(b.ob, len(b.order)))
	bias, mem := scratch.Floats(mem, b.ob)
	staged, mem := scratch.Floats(mem, b.stagedLen())
	partial, _ := scratch.Floats(mem, b.partialLen())
	b.sumBias(bias[:b.c1-b.c0], &b.Operands, b.image, b.c0)
	b.in = b.input(staged)
	b.out = gemm.Output{C: b.Y, C16: b.Y16, Add: b.Add, Add16: b.Add16, Epilogue: b.Epilogue, Partial: partial}
	w := b.Matrix(s.CI * area)
	t := gemm.Tile{
		B: unsafe.Pointer(unsafe.SliceData(panels)), PanelStride: bytes(b.kernel.Steps(len(b.order)) * b.kernel.NR),
		Cols: uintptr(b.c1 - b.c0), Bias: unsafe.Pointer(unsafe.SliceData(bias)),
	}
	for b.i0 = 0; b.i0 == 0 || b.i0 < s.CI; b.i0 += b.ib {
		i1 := min(b.i0+b.ib, s.CI)
		b.final = i1 == s.CI
		b.kernel.Pack(panels, w, b.c0, b.c1, b.i0*area, i1*area, len(b.order), b.order)
		t.K = uintptr(b.kernel.Steps(i1 - b.i0))
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
		t.LDA = b.in.bytes(s.Stride * s.CI)
		for oy := y.from; oy < y.to; oy++ {
			for ox, n := x.from, 0; ox < x.to; ox += n {
				n = b.kernel.Rows(x.to - ox)
				b.tile(t, oy, ox, n, 1, y, x)
			}
		}
		return
	}
	t.LDA = b.in.bytes(s.Stride * s.W * s.CI)
	for ox := x.from; ox < x.to; ox++ {
		for oy, n := y.from, 0; oy < y.to; oy += n {
			n = b.kernel.Rows(y.to - oy)
			b.tile(t, oy, ox, n, b.outW, y, x)
		}
	}
}

// tile computes n pixels from oy, ox on, of which each is some output pixels
// after the one before.
func (b *block) tile(t *gemm.Tile, oy, ox, n, apart int, y, x span) {
	s, cols := b.shape, b.c1-b.c0
	iy, ix := oy*s.Stride-s.PadT+y.tap0, ox*s.Stride-s.PadL+x.tap0
	if t.NSeg > 0 {
		t.A = b.in.at(((b.image*s.H+iy)*s.W+ix)*s.CI + b.i0)
	}
	t.Rows = uintptr(n)
	at := gemm.Place{LDPartial: cols}
	at.C, at.LDC = ((b.image*b.outH+oy)*b.outW+ox)*s.CO+b.c0, apart*s.CO
	at.Add, at.LDAdd = at.C, at.LDC
	if b.ib < s.CI {
		at.Partial, at.LDPartial = ((oy-b.y0)*b.outW+ox)*cols, apart*cols
	}
	b.out.Run(b.kernel, t, at, b.i0 == 0, b.final)
}
