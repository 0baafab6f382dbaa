package gemm

import "unsafe"

// packI8 packs rows n0 to n1 and columns k0 to k1 of w, times inverse and
// rounded. In kernels on quads, zero is set to -128 times their sums.
func (kn Kernel) packI8(dst []float32, w Matrix, n0, n1, k0, k1 int, inverse, zero []float32) {
	steps := kn.Steps(k1 - k0)
	widening := kn
	widening.form = single
	if kn.form == quads && w.inQuads(k0, k1) {
		widening.Pack(dst, w.quads(), n0, n1, k0/4, k1/4, steps, nil)
		kn.zeroPoints(zero, dst, steps, n1-n0)
		return
	}
	for n := n0; n < n1; n += kn.NR {
		panel, at := dst[:steps*kn.NR], n-n0
		dst = dst[len(panel):]
		if kn.form != quads {
			widening.Pack(panel, w, n, min(n+kn.NR, n1), k0, k1, k1-k0, nil)
			for i, v := range panel {
				panel[i] = quantised(v, inverse[at+i%kn.NR])
			}
			continue
		}
		cols := min(kn.NR, n1-n)
		done := kn.packQuadBlocks(panel, w.at(n, k0), cols, k1-k0, inverse[at:])
		sums := zero[at:][:kn.NR]
		clear(sums)
		for k := k0 + done; k < k1; k += stretch {
			most := min(k+stretch, k1)
			wide := dst[len(dst)-4*kn.Steps(most-k)*kn.NR:]
			widening.Pack(wide, w, n, n+cols, k, most, most-k, nil)
			clear(wide[(most-k)*kn.NR:])
			kn.quadLines(panel[(k-k0)/4*kn.NR:], wide, inverse[at:], sums)
		}
		if done > 0 {
			kn.zeroPoints(sums, panel, steps, cols)
			continue
		}
		for i := range sums {
			sum := (*int32)(unsafe.Pointer(&sums[i]))
			*sum *= zeroPoint
		}
	}
}

// zeros is a row of A of which every value is 0.
var zeros = func() (row [4 * maxBlockK]uint8) {
	for i := range row {
		row[i] = 128
	}
	return row
}()

// zeroPoints sets zero to -128 times the sums of packed columns.
func (kn Kernel) zeroPoints(zero, panels []float32, steps, cols int) {
	kn.Run(&Tile{
		A: unsafe.Pointer(&zeros[0]), Segs: &Whole, NSeg: 1, K: uintptr(steps), Rows: 1, Cols: uintptr(cols),
		B: unsafe.Pointer(&panels[0]), PanelStride: bytes(steps * kn.NR), C: unsafe.Pointer(&zero[0]),
	})
	for i, sum := range unsafe.Slice((*int32)(unsafe.Pointer(&zero[0])), cols) {
		*(*int32)(unsafe.Pointer(&zero[i])) = -sum
	}
}
