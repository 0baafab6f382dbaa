package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// The packers of quads quantise and transpose blocks of 16 rows by 16 values:
//
//	for k := range blocks * 16 {
//		for c := range 16 {
//			bytes(dst)[k/4*4*NR+4*c+k%4] = int8(round(src[c][k] * factors[c]))
//		}
//	}

//go:noescape
func packQuadsF32AVX512(src unsafe.Pointer, stride uintptr, dst, factors unsafe.Pointer, blocks uintptr)

//go:noescape
func packQuadsF16AVX512(src unsafe.Pointer, stride uintptr, dst, factors unsafe.Pointer, blocks uintptr)

//go:noescape
func packQuadsBF16AVX512(src unsafe.Pointer, stride uintptr, dst, factors unsafe.Pointer, blocks uintptr)

var quadPackers = [...]func(src unsafe.Pointer, stride uintptr, dst, factors unsafe.Pointer, blocks uintptr){
	convert.F32: packQuadsF32AVX512, convert.F16: packQuadsF16AVX512, convert.BF16: packQuadsBF16AVX512,
}

const quadBlock = 16 // rows and values

// packQuadBlocks packs a leading part of a whole panel, if rows of w are
// adjacent values, and returns its columns of w.
func (kn Kernel) packQuadBlocks(panel []float32, w Matrix, cols, k int, inverse []float32) (doneK int) {
	blocks := k / quadBlock
	if kn.level != cpu.AVX512 || cols < kn.NR || w.ColStride != 1 || w.byRow() || blocks == 0 {
		return 0
	}
	for c := 0; c < cols; c += quadBlock {
		quadPackers[w.Format](w.at(c, 0).Data, uintptr(w.RowStride*w.Format.Size()), unsafe.Pointer(&panel[c]),
			unsafe.Pointer(&inverse[c]), uintptr(blocks))
	}
	return blocks * quadBlock
}
