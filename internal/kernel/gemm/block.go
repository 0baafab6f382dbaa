package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/scratch"
)

// block is a unit of work: rows m0 to m1 and columns n0 to n1 of C.
type block struct {
	*Plan
	Operands
	m0, m1, n0, n1 int

	staged []float32 // rows of A as the kernel reads them
}

func (b *block) run(mem []byte) {
	panels, mem := scratch.Floats(mem, b.kernel.PanelsLen(b.width(b.nb), b.kb))
	staged, mem := scratch.Floats(mem, b.stagedLen())
	partial, _ := scratch.Floats(mem, b.partialLen())
	b.staged = staged
	cols := b.n1 - b.n0
	out := Output{b.C, b.C16, b.Add, b.Add16, b.Epilogue, b.Gate, partial}
	t := Tile{Segs: &Whole, NSeg: 1, Cols: uintptr(cols)}
	direct := b.kernel.takesDirect(b.W, b.m, b.n, b.k)
	for k0 := 0; k0 == 0 || k0 < b.k; k0 += b.kb {
		k1 := min(k0+b.kb, b.k)
		steps := b.kernel.Steps(k1 - k0)
		gates := panels[roundUp(cols, b.kernel.NR)*steps:]
		if !direct {
			b.kernel.Pack(panels, b.W, b.n0, b.n1, k0, k1, k1-k0, nil)
		}
		if b.gated && !direct {
			b.kernel.Pack(gates, b.W, b.n+b.n0, b.n+b.n1, k0, k1, k1-k0, nil)
		}
		t.K, t.PanelStride = uintptr(steps), bytes(steps*b.kernel.NR)
		for m, rows := b.m0, 0; m < b.m1; m += rows {
			rows = b.kernel.Rows(b.m1 - m)
			t.Rows = uintptr(rows)
			b.rows(&t, m, k0, k1)
			at := Place{C: m*b.LDC + b.n0, LDC: b.LDC, Add: m*b.LDAdd + b.n0, LDAdd: b.LDAdd, LDPartial: cols}
			if b.kb < b.k {
				at.Partial = (m - b.m0) * cols
			}
			first, last := k0 == 0, k1 == b.k
			t.B, t.Bias = unsafe.Pointer(&panels[0]), b.bias(b.n0, first)
			if direct {
				t.Weight = b.W.at(b.n0, k0)
			}
			out.Run(b.kernel, &t, at, first, last && !b.gated)
			if b.gated {
				at.Gated, at.Partial = at.Partial, at.Partial+b.partialLen()/2
				t.B, t.Bias = unsafe.Pointer(&gates[0]), b.bias(b.n+b.n0, first)
				if direct {
					t.Weight = b.W.at(b.n+b.n0, k0)
				}
				out.Run(b.kernel, &t, at, first, last)
			}
		}
	}
}

// bias returns the bias from row n of the weight on, which the first block of k takes.
func (b *block) bias(n int, first bool) unsafe.Pointer {
	if !first {
		return nil
	}
	return At(b.Bias, n)
}

// rows points t to the rows of A from m on, columns k0 to k1, which are copied
// first unless the kernel can read them in place.
func (b *block) rows(t *Tile, m, k0, k1 int) {
	switch {
	case b.kernel.form == single:
		t.A, t.LDA = At(b.A, m*b.LDA+k0), bytes(b.LDA)
	case b.kernel.form == pairs && b.A16 != nil:
		t.A, t.LDA = At(b.A16, m*b.LDA+k0), bytes(b.LDA)/2
	case k1 > k0:
		width := b.kernel.Steps(b.kb)
		for r := range int(t.Rows) {
			b.kernel.Stage(b.staged[r*width:][:width], Rows{b.A, b.A16}, (m+r)*b.LDA+k0, k1-k0)
		}
		t.A, t.LDA = unsafe.Pointer(&b.staged[0]), bytes(width)
	}
}
