package gemm

import "github.com/df65613c/easel/internal/kernel/convert"

const (
	stretch = 128 // columns of a weight that are widened at a time
	mostNR  = 32  // of all kernels
)

// packByRow packs columns k0 to k1 of some rows of a weight, quantised or in a
// format that no kernel packs, to one panel, by way of a stretch of them in float32, which stays in the first cache.
func (kn Kernel) packByRow(panel []float32, w Matrix, n, cols, k0, k1 int, order []uint32) {
	var wide [mostNR * stretch]float32
	for k := k0; k < k1; k += stretch {
		steps := min(stretch, k1-k)
		w.widen(wide[:], area{n, cols, k, steps})
		if order != nil {
			kn.transpose(panel, wide[:], cols, order[k-k0:][:steps])
		} else {
			kn.transpose(panel[(k-k0)*kn.NR:], wide[:], cols, inOrder[:steps])
		}
	}
}

// transpose packs the first rows of a stretch, cols in number.
func (kn Kernel) transpose(panel, wide []float32, cols int, order []uint32) {
	doneCols, doneK := kn.transposeBlocks(panel, wide, cols, order)
	for c := range cols {
		k := 0
		if c < doneCols {
			k = doneK
		}
		for ; k < len(order); k++ {
			panel[int(order[k])*kn.NR+c] = wide[c*stretch+k]
		}
	}
}

// inQuads reports whether columns k0 to k1 of w can be packed as the integers
// they are.
func (w Matrix) inQuads(k0, k1 int) bool {
	return w.Changes == nil && w.Format == convert.I8 && w.Scales.Rows != nil && k0%4 == 0 && k1%4 == 0 && w.RowStride%4 == 0
}

// quads returns w with four integers as one value.
func (w Matrix) quads() Matrix {
	return Matrix{Data: w.Data, Format: convert.F32, RowStride: w.RowStride / 4, ColStride: 1}
}
