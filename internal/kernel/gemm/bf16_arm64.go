package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// TileBF16 is the micro-kernel on pairs of bfloat16, for processors of which
// [cpu.BF16] holds.
func TileBF16(t *Tile) {
	kn := neon
	kn.form = pairs
	kn.tileNEON(t)
}

// The packers of pairs transpose blocks of 4 rows by 8 values; see packPairBlocks of amd64.

//go:noescape
func packPairsF32BFDOT(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packPairsF16BFDOT(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packPairsBF16BFDOT(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

// packPairBlocks packs a leading part of a panel, if rows of w are adjacent
// values, and returns its columns of w.
func (kn Kernel) packPairBlocks(panel []float32, w Matrix, cols, k int) (doneK int) {
	const values, most = 2 * packSize, 2 * maxOrder
	if w.ColStride != 1 || cols%packSize != 0 {
		return 0
	}
	stride := uintptr(w.RowStride * w.Format.Size())
	for doneK+values <= k {
		n := min(most, (k-doneK)/values*values)
		for c := 0; c < cols; c += packSize {
			src, dst := w.at(c, doneK).Data, unsafe.Pointer(&panel[doneK/2*kn.NR+c])
			switch blocks := uintptr(n / values); w.Format {
			case convert.F16:
				packPairsF16BFDOT(src, stride, dst, &inOrder[0], blocks)
			case convert.BF16:
				packPairsBF16BFDOT(src, stride, dst, &inOrder[0], blocks)
			default:
				packPairsF32BFDOT(src, stride, dst, &inOrder[0], blocks)
			}
		}
		doneK += n
	}
	return doneK
}

// packPairsByRow leaves quantised weights to be packed by way of float32.
func (kn Kernel) packPairsByRow(panel []float32, w Matrix, n, cols, k0, k1 int) (doneK int) {
	return 0
}

// pairLinesBFDOT rounds lines of 16 values, two at a time, to one of pairs.
//
//go:noescape
func pairLinesBFDOT(dst, src unsafe.Pointer, pairs uintptr)

func pairLines(dst, src []float32) {
	pairLinesBFDOT(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), uintptr(len(src)/(2*neonNR)))
}

const missing = "gemm: no kernel for rows of bfloat16 on this architecture"

func narrowRows(dst grid[uint16], src grid[float32], rows, cols int) { panic(missing) }

func widenRows(dst grid[float32], src grid[uint16], rows, cols int) { panic(missing) }
