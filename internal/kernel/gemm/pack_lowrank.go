package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// sharing is how many panels a widened part of Down serves.
const sharing = 4

// lowRankOnly reports whether products of low rank are all that changes the
// weight, and it is stored in rows of adjacent values.
func (m Matrix) lowRankOnly() bool {
	c := m.Changes
	return c != nil && m.ColStride == 1 && c.Rows == nil && c.Columns == nil && c.Hadamard == nil && c.Kronecker == nil &&
		c.Dense == nil && c.Mixes == nil
}

// packLowRank packs panels in float32 as those of the weight without changes, and
// adds the products to them: fewer values are widened than by way of its rows.
// The sums are those of [Product.add].
func (kn Kernel) packLowRank(dst []float32, w Matrix, n0, n1, k0, k1 int) {
	products, size, form := w.Changes.LowRank, (k1-k0)*kn.NR, kn.form
	w.Changes, kn.form = nil, single
	for n := n0; n < n1; n += sharing * kn.NR {
		to := min(n1, n+sharing*kn.NR)
		kn.Pack(dst, w, n, to, k0, k1, k1-k0, nil)
		for i := range products {
			kn.addToPanels(dst, &products[i], n, to, k0, k1)
		}
		if form == rounded {
			panels := dst[:ceilDiv(to-n, kn.NR)*size]
			convert.RoundBF16(panels, panels)
		}
		dst = dst[min(len(dst), sharing*size):]
	}
}

// addToPanels adds a product to panels of rows n0 to n1, no more than sharing of them.
func (kn Kernel) addToPanels(dst []float32, p *LowRank, n0, n1, k0, k1 int) {
	var wide, down [mostNR * stretch]float32
	var ups [sharing][mostNR * mostNR]float32
	size := (k1 - k0) * kn.NR
	for r := 0; r < p.Rank; r += kn.NR {
		ranks := min(kn.NR, p.Rank-r)
		for i, n := 0, n0; n < n1; i, n = i+1, n+kn.NR {
			rows := min(kn.NR, n1-n)
			for c := range rows {
				row, scale := wide[c*stretch:][:ranks], p.row(n+c)
				p.Up.plainRow(row, n+c, r)
				for j := range row {
					row[j] *= scale
				}
			}
			if rows < kn.NR {
				clear(ups[i][:])
			}
			kn.transpose(ups[i][:], wide[:], rows, inOrder[:ranks])
		}
		for k := k0; k < k1; k += stretch {
			cols := min(stretch, k1-k)
			for j := range ranks {
				line := wide[j*stretch:][:cols]
				p.Down.plainRow(line, r+j, k)
				if p.Columns != nil {
					for i, c := range p.Columns[k:][:cols] {
						line[i] *= c
					}
				}
			}
			kn.transpose(down[:], wide[:], ranks, inOrder[:cols])
			for i, n := 0, n0; n < n1; i, n = i+1, n+kn.NR {
				kn.addLines(dst[i*size+(k-k0)*kn.NR:], down[:], ups[i][:], cols, ranks)
			}
		}
	}
}

// addLines adds the product of columns of Down, each in a line of its own, and a
// panel of Up to as many lines of a panel.
func (kn Kernel) addLines(dst, down, up []float32, lines, ranks int) {
	t := Tile{
		Segs: &Whole, NSeg: 1, K: uintptr(ranks), Cols: uintptr(kn.NR), LDA: bytes(kn.NR),
		B: unsafe.Pointer(&up[0]), PanelStride: bytes(ranks * kn.NR), LDC: bytes(kn.NR), LDAdd: bytes(kn.NR),
	}
	for i, n := 0, 0; i < lines; i += n {
		n = kn.Rows(lines - i)
		t.Rows = uintptr(n)
		t.A, t.C = unsafe.Pointer(&down[i*kn.NR]), unsafe.Pointer(&dst[i*kn.NR])
		t.Add = t.C
		kn.Run(&t)
	}
}
