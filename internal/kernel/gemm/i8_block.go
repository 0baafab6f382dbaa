package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/scratch"
)

// blockI8 is a unit of work: rows m0 to m1 and columns n0 to n1 of C.
type blockI8 struct {
	*PlanI8
	OperandsI8
	m0, m1, n0, n1 int

	staged []float32 // rows of A as the kernel reads them, unless in place
	sides  [2]sideI8 // the values, then their gates
}

// sideI8 is the columns that C, or the gates of it, are made from.
type sideI8 struct {
	n0      int // first row of W
	panels  []float32
	inverse []float32 // of the scales
	zero    []float32 // what the 128 in A adds up to, negative
	scales  []float32
	bias    []float32
	partial []float32 // sums, or their bits
}

// Run does one unit of work. It allocates nothing.
func (p *PlanI8) Run(unit int, mem []byte, o *OperandsI8) {
	p.check(o)
	rowBlocks := ceilDiv(p.m, p.mb)
	b := blockI8{PlanI8: p, OperandsI8: *o, m0: unit % rowBlocks * p.mb, n0: unit / rowBlocks * p.nb}
	b.m1, b.n1 = min(b.m0+p.mb, p.m), min(b.n0+p.nb, p.n)
	b.run(mem)
}

// side prepares one side, whose first row of W is n0.
func (b *blockI8) side(mem []byte, n0 int) (s sideI8, rest []byte) {
	cols := b.n1 - b.n0
	s.n0, s.scales = n0, b.WScale[n0:n0+cols]
	s.panels, mem = scratch.Floats(mem, b.kernel.PanelsLen(b.nb, b.kb))
	s.inverse, mem = scratch.Floats(mem, b.panelColumns())
	s.zero, mem = scratch.Floats(mem, b.panelColumns())
	s.bias, mem = scratch.Floats(mem, b.nb)
	s.partial, mem = scratch.Floats(mem, b.sumsLen())
	clear(s.bias)
	if b.Bias != nil {
		copy(s.bias, b.Bias[n0:n0+cols])
	}
	clear(s.inverse)
	for i, scale := range s.scales {
		s.inverse[i] = inverseOf(scale)
	}
	return s, mem
}

func (b *blockI8) run(mem []byte) {
	b.staged, mem = scratch.Floats(mem, b.stagedLen())
	sides := b.sides[:1]
	if b.gated {
		sides = b.sides[:2]
	}
	for i := range sides {
		sides[i], mem = b.side(mem, i*b.n+b.n0)
	}
	cols := b.n1 - b.n0
	t := Tile{Segs: &Whole, NSeg: 1, Cols: uintptr(cols), LDC: bytes(cols), LDAdd: bytes(cols)}
	for k0 := 0; k0 == 0 || k0 < b.k; k0 += b.kb {
		k1 := min(k0+b.kb, b.k)
		steps := b.kernel.Steps(k1 - k0)
		t.K, t.PanelStride = uintptr(steps), bytes(steps*b.kernel.NR)
		for i := range sides {
			s := &sides[i]
			b.kernel.packI8(s.panels, b.W, s.n0, s.n0+cols, k0, k1, s.inverse, s.zero)
		}
		for m, rows := b.m0, 0; m < b.m1; m += rows {
			rows = b.kernel.Rows(b.m1 - m)
			t.Rows = uintptr(rows)
			b.rows(&t, m, k0, k1)
			at := 0
			if b.kb < b.k {
				at = (m - b.m0) * cols
			}
			for i := range sides {
				b.sum(&t, &sides[i], at, k0 > 0)
			}
			if k1 == b.k {
				b.finish(at, m, rows)
			}
		}
	}
}

// sum adds up a tile of one side.
func (b *blockI8) sum(t *Tile, s *sideI8, at int, begun bool) {
	t.B, t.C = unsafe.Pointer(&s.panels[0]), unsafe.Pointer(&s.partial[at])
	t.Add, t.Bias = nil, nil
	if begun {
		t.Add = t.C
	}
	if b.kernel.form == quads {
		t.Bias = unsafe.Pointer(&s.zero[0])
	}
	b.kernel.Run(t)
}

// rows points t to the rows of A from m on, columns k0 to k1.
func (b *blockI8) rows(t *Tile, m, k0, k1 int) {
	if b.kernel.form == quads {
		t.A, t.LDA = At(b.A, m*b.LDA+k0), uintptr(b.LDA)
		return
	}
	for r := range int(t.Rows) {
		row := b.staged[r*b.kb:][:k1-k0]
		for i, q := range b.A[(m+r)*b.LDA+k0:][:len(row)] {
			row[i] = float32(int32(q) - 128)
		}
	}
	t.A, t.LDA = At(b.staged, 0), bytes(b.kb)
}
