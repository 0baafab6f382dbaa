package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// maxOrder is the most steps of k that are packed in one go without an order
// of the caller's own.
const maxOrder = 1024

var inOrder = func() (order [maxOrder]uint32) {
	for i := range order {
		order[i] = uint32(i)
	}
	return order
}()

// PanelsLen returns the length of the memory in which n rows of a weight with k
// columns each are packed.
func (kn Kernel) PanelsLen(n, k int) int {
	switch kn.form { // and a panel, or a stretch of one, in float32 on the way
	case pairs:
		return (roundUp(n, kn.NR)/2 + kn.NR) * k
	case quads:
		return roundUp(n, kn.NR)*kn.Steps(k) + kn.NR*roundUp(min(k, stretch), 4)
	}
	return roundUp(n, kn.NR) * k
}

// Pack writes rows n0 to n1 and columns k0 to k1 of w in the order in which
// micro-kernels read them. A panel is NR rows of w, transposed: depth lines of
// NR values, the last panel being filled up with zeros.
//
//	for n := n0; n < n1; n++ {
//		for k := k0; k < k1; k++ {
//			dst[((n-n0)/NR*depth+order[k-k0])*NR+(n-n0)%NR] = w[n][k]
//		}
//	}
//
// A nil order is 0, 1, 2 and so on. In kernels on pairs, lines 2i and 2i+1 are
// line i of half as many, and dst must have all of PanelsLen.
func (kn Kernel) Pack(dst []float32, w Matrix, n0, n1, k0, k1, depth int, order []uint32) {
	if kn.form == pairs {
		kn.packPairs(dst, w, n0, n1, k0, k1, depth, order)
		return
	}
	if order == nil && w.lowRankOnly() {
		kn.packLowRank(dst, w, n0, n1, k0, k1)
		return
	}
	for n := n0; n < n1; n += kn.NR {
		panel := dst[:depth*kn.NR]
		dst = dst[len(panel):]
		cols := min(kn.NR, n1-n)
		if cols < kn.NR {
			clear(panel)
		}
		switch {
		case w.byRow():
			kn.packByRow(panel, w, n, cols, k0, k1, order)
		case order != nil:
			kn.packPanel(panel, w.at(n, k0), cols, order[:k1-k0])
		default:
			for k := k0; k < k1; k += maxOrder {
				steps := min(maxOrder, k1-k)
				kn.packPanel(panel[(k-k0)*kn.NR:], w.at(n, k), cols, inOrder[:steps])
			}
		}
		if kn.form == rounded && (w.Format != convert.BF16 || w.Changes != nil) {
			convert.RoundBF16(panel, panel)
		}
	}
}

// packPairs packs panel by panel, where need be by way of one in float32.
func (kn Kernel) packPairs(dst []float32, w Matrix, n0, n1, k0, k1, depth int, order []uint32) {
	wide := dst[len(dst)-depth*kn.NR:]
	widening := kn
	widening.form = single
	for n := n0; n < n1; n += kn.NR {
		panel := dst[:depth/2*kn.NR]
		dst = dst[len(panel):]
		cols, k := min(kn.NR, n1-n), k0
		if order == nil && cols < kn.NR {
			clear(panel)
		}
		switch byRow := w.byRow(); {
		case order == nil && w.lowRankOnly():
		case order == nil && byRow:
			k += kn.packPairsByRow(panel, w, n, cols, k0, k1)
		case order == nil:
			k += kn.packPairBlocks(panel, w.at(n, k0), cols, k1-k0)
		}
		if rest := depth - (k - k0); rest > 0 {
			widening.Pack(wide, w, n, n+cols, k, k1, rest, order)
			pairLines(panel[(k-k0)/2*kn.NR:], wide[:rest*kn.NR])
		}
	}
}

// packPanel packs the first rows of w, cols in number, to one panel.
func (kn Kernel) packPanel(panel []float32, w Matrix, cols int, order []uint32) {
	if w.RowStride == 1 { // a line of the panel is adjacent in w
		if w.Format == convert.F32 && cols == mostNR && kn.NR == mostNR {
			moveLines(panel, w, order)
			return
		}
		for k, line := range order {
			convert.ToF32(panel[int(line)*kn.NR:][:cols], w.column(k, cols), w.Format)
		}
		return
	}
	doneCols, doneK := 0, 0
	if w.ColStride == 1 {
		doneCols, doneK = kn.packBlocks(panel, w, cols, order)
	}
	for c := range cols {
		k := 0
		if c < doneCols {
			k = doneK
		}
		for ; k < len(order); k++ {
			panel[int(order[k])*kn.NR+c] = w.value(c, k)
		}
	}
}

// moveLines packs whole lines of the widest panels, which are adjacent in w.
func moveLines(panel []float32, w Matrix, order []uint32) {
	for k, line := range order {
		src := unsafe.Add(w.Data, bytes(k*w.ColStride))
		*(*[mostNR]float32)(panel[int(line)*mostNR:]) = *(*[mostNR]float32)(src)
	}
}

// halves returns v as the bfloat16 in it.
func halves(v []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(v))), 2*len(v))
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
