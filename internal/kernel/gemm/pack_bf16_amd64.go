package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// The packers of pairs transpose blocks of 16 rows by 32 values:
//
//	for k := range blocks * 16 {
//		for c := range 16 {
//			dst[order[k]*NR+c] = bfloat16(src[c][2*k]), bfloat16(src[c][2*k+1])
//		}
//	}

//go:noescape
func packPairsF32AVX512(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packPairsF16AVX512(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packPairsBF16AVX512(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

var pairPackers = [...]packFunc{convert.F32: packPairsF32AVX512, convert.F16: packPairsF16AVX512,
	convert.BF16: packPairsBF16AVX512}

const (
	pairRows   = 16 // of a block
	pairValues = 32
)

// packPairBlocks packs a leading part of a panel, if rows of w are adjacent
// values, and returns its columns of w.
func (kn Kernel) packPairBlocks(panel []float32, w Matrix, cols, k int) (doneK int) {
	if w.ColStride != 1 || cols%pairRows != 0 {
		return 0
	}
	stride := uintptr(w.RowStride * w.Format.Size())
	const most = maxOrder * 2
	for doneK+pairValues <= k {
		n := min(most, (k-doneK)/pairValues*pairValues)
		for c := 0; c < cols; c += pairRows {
			dst := unsafe.Pointer(&panel[doneK/2*kn.NR+c])
			pairPackers[w.Format](w.at(c, doneK).Data, stride, dst, &inOrder[0], uintptr(n/pairValues))
		}
		doneK += n
	}
	return doneK
}

// packPairsByRow packs a leading part of a panel from rows n and on of a
// weight, by way of a stretch of them in float32, and returns its
// columns of w.
func (kn Kernel) packPairsByRow(panel []float32, w Matrix, n, cols, k0, k1 int) (doneK int) {
	if cols%pairRows != 0 {
		return 0
	}
	var wide [mostNR * stretch]float32
	for k1-k0-doneK >= pairValues {
		steps := min(stretch, (k1-k0-doneK)/pairValues*pairValues)
		w.widen(wide[:], area{n, cols, k0 + doneK, steps})
		for c := 0; c < cols; c += pairRows {
			dst := unsafe.Pointer(&panel[doneK/2*kn.NR+c])
			packPairsF32AVX512(unsafe.Pointer(&wide[c*stretch]), bytes(stretch), dst, &inOrder[0], uintptr(steps/pairValues))
		}
		doneK += steps
	}
	return doneK
}

// pairLinesAVX512 rounds lines of 32 values, two at a time, to one of pairs.
//
//go:noescape
func pairLinesAVX512(dst, src unsafe.Pointer, pairs uintptr)

func pairLines(dst, src []float32) {
	pairLinesAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), uintptr(len(src)/(2*pairValues)))
}
