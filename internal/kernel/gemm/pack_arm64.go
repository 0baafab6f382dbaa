package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// The packers of NEON transpose square blocks of packSize of a weight into a panel:
//
//	for k := range blocks * packSize {
//		for c := range packSize {
//			dst[order[k]*NR+c] = src[c][k] // rows of src are stride bytes apart
//		}
//	}

//go:noescape
func packF32NEON(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packF16NEON(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packBF16NEON(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

const packSize = 4

// packBlocks packs a leading part of a panel, in which rows of w are adjacent
// values, and returns its extent.
func (kn Kernel) packBlocks(panel []float32, w Matrix, cols int, order []uint32) (doneCols, doneK int) {
	if kn.level != cpu.NEON || cols < packSize || len(order) < packSize {
		return 0, 0
	}
	doneCols, doneK = cols/packSize*packSize, len(order)/packSize*packSize
	stride, blocks := uintptr(w.RowStride*w.Format.Size()), uintptr(doneK/packSize)
	for c := 0; c < doneCols; c += packSize {
		src, dst := w.at(c, 0).Data, unsafe.Pointer(&panel[c])
		switch w.Format {
		case convert.F16:
			packF16NEON(src, stride, dst, &order[0], blocks)
		case convert.BF16:
			packBF16NEON(src, stride, dst, &order[0], blocks)
		default:
			packF32NEON(src, stride, dst, &order[0], blocks)
		}
	}
	return doneCols, doneK
}

// transposeBlocks packs a leading part of a stretch of rows in float32 and
// returns its extent.
func (kn Kernel) transposeBlocks(panel, wide []float32, cols int, order []uint32) (doneCols, doneK int) {
	if kn.level != cpu.NEON || cols < packSize || len(order) < packSize {
		return 0, 0
	}
	doneCols, doneK = cols/packSize*packSize, len(order)/packSize*packSize
	for c := 0; c < doneCols; c += packSize {
		packF32NEON(unsafe.Pointer(&wide[c*stretch]), bytes(stretch), unsafe.Pointer(&panel[c]), &order[0], uintptr(doneK/packSize))
	}
	return doneCols, doneK
}
