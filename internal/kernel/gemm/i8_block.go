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

	staged  []float32 // rows of A as the kernel reads them, unless in place
	partial []float32 // sums, or their bits
	bias    []float32
}

// Run does one unit of work. It allocates nothing.
func (p *PlanI8) Run(unit int, mem []byte, o *OperandsI8) {
	p.check(o)
	rowBlocks := ceilDiv(p.m, p.mb)
	b := blockI8{PlanI8: p, OperandsI8: *o, m0: unit % rowBlocks * p.mb, n0: unit / rowBlocks * p.nb}
	b.m1, b.n1 = min(b.m0+p.mb, p.m), min(b.n0+p.nb, p.n)
	b.run(mem)
}

func (b *blockI8) run(mem []byte) {
	panels, mem := scratch.Floats(mem, b.kernel.PanelsLen(b.nb, b.kb))
	b.staged, mem = scratch.Floats(mem, b.stagedLen())
	b.partial, mem = scratch.Floats(mem, b.partialLen())
	inverse, mem := scratch.Floats(mem, b.panelColumns())
	zero, mem := scratch.Floats(mem, b.panelColumns())
	b.bias, _ = scratch.Floats(mem, b.nb)
	clear(b.bias)
	if b.Bias != nil {
		copy(b.bias, b.Bias[b.n0:b.n1])
	}
	clear(inverse)
	for i, s := range b.WScale[b.n0:b.n1] {
		inverse[i] = inverseOf(s)
	}
	cols := b.n1 - b.n0
	t := Tile{Segs: &Whole, NSeg: 1, Cols: uintptr(cols), B: unsafe.Pointer(&panels[0]), LDC: bytes(cols), LDAdd: bytes(cols)}
	if b.kernel.form == quads {
		t.Bias = unsafe.Pointer(&zero[0]) // what the 128 in A adds up to, negative
	}
	for k0 := 0; k0 == 0 || k0 < b.k; k0 += b.kb {
		k1 := min(k0+b.kb, b.k)
		b.kernel.packI8(panels, b.W, b.n0, b.n1, k0, k1, inverse, zero)
		steps := b.kernel.Steps(k1 - k0)
		t.K, t.PanelStride = uintptr(steps), bytes(steps*b.kernel.NR)
		for m, rows := b.m0, 0; m < b.m1; m += rows {
			rows = b.kernel.Rows(b.m1 - m)
			t.Rows = uintptr(rows)
			sums := b.partial
			if b.kb < b.k {
				sums = sums[(m-b.m0)*cols:]
			}
			b.rows(&t, m, k0, k1)
			t.C = unsafe.Pointer(&sums[0])
			t.Add = nil
			if k0 > 0 {
				t.Add = t.C
			}
			b.kernel.Run(&t)
			if k1 == b.k {
				b.finish(sums, m, rows)
			}
		}
	}
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

// finish scales the sums of a tile and stores them.
func (b *blockI8) finish(sums []float32, m, rows int) {
	cols := b.n1 - b.n0
	for r := range rows {
		row := sums[r*cols:][:cols]
		b.kernel.dequantise(row, b.WScale[b.n0:b.n1], b.bias, b.AScale[m+r])
		at := (m+r)*b.LDAdd + b.n0
		switch {
		case b.Add != nil:
			for i, v := range b.Add[at:][:cols] {
				row[i] += v
			}
		case b.Add16 != nil:
			addBF16(row, b.Add16[at:])
		}
		if b.Epilogue != nil {
			b.Epilogue(row)
		}
		if b.C != nil {
			copy(b.C[(m+r)*b.LDC+b.n0:], row)
		}
	}
	if b.C16 != nil {
		b.kernel.narrow(grid[uint16]{b.C16[m*b.LDC+b.n0:], b.LDC}, grid[float32]{sums, cols}, rows, cols)
	}
}
