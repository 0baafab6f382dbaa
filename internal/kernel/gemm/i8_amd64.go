package gemm

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/df65613c/easel/internal/cpu"
)

//go:noescape
func tileI8AVX512(t *Tile)

//go:noescape
func tileI8AVX2(t *Tile)

// The functions below are loops of the instruction sets that they are named
// after: quadLines quantises lines of a panel, four at a time, to one line of
// quads, and adds them to sums. absMax returns the bits of the greatest
// magnitude of n values, a multiple of 16; that of a NaN is greater than
// infinity. quantise takes multiples of 16, dequantise of AVX2 multiples of 8.

//go:noescape
func quadLinesAVX512(dst, src, inverse, sums unsafe.Pointer, quads uintptr)

//go:noescape
func quadLinesAVX2(dst, src, inverse, sums unsafe.Pointer, quads uintptr)

//go:noescape
func absMaxAVX512(src *float32, n int) (bits uint32)

//go:noescape
func absMaxAVX2(src *float32, n int) (bits uint32)

//go:noescape
func quantiseAVX512(dst *uint8, src *float32, n int, inverse float32)

//go:noescape
func quantiseAVX2(dst *uint8, src *float32, n int, inverse float32)

//go:noescape
func dequantiseRowsAVX512(t *integerTile)

//go:noescape
func dequantiseRowsBF16AVX512(t *integerTile)

//go:noescape
func dequantiseAVX2(x, scales, bias unsafe.Pointer, n int, scale float32)

// hasVNNI is whether the processor has AVX512_VNNI. Those that have
// AVX512_BF16 do, and so one switch of package cpu is for both. hasAVXVNNI is
// whether it has the same on shorter vectors, which the level AVX2 takes.
var (
	hasVNNI    = cpuid.CPU.Supports(cpuid.AVX512VNNI)
	hasAVXVNNI = cpuid.CPU.Supports(cpuid.AVXVNNI)
)

// currentI8 returns the micro-kernel of 8-bit products in the level in use.
func currentI8() Kernel {
	kn := Current()
	kn.form = integers
	if cpu.BF16() && hasVNNI || kn.level == cpu.AVX2 && hasAVXVNNI {
		kn.form = quads
	}
	return kn
}

func absMax(v []float32) (done int, bits uint32) {
	done = len(v) &^ 15
	switch level := cpu.Current(); {
	case done == 0 || level < cpu.AVX2:
		return 0, 0
	case level == cpu.AVX2:
		return done, absMaxAVX2(&v[0], done)
	}
	return done, absMaxAVX512(&v[0], done)
}

func quantise(dst []uint8, src []float32, inverse float32) (done int) {
	done = len(src) &^ 15
	switch level := cpu.Current(); {
	case done == 0 || level < cpu.AVX2:
		return 0
	case level == cpu.AVX2:
		quantiseAVX2(&dst[0], &src[0], done, inverse)
	default:
		quantiseAVX512(&dst[0], &src[0], done, inverse)
	}
	return done
}

// zeroPoint is minus the offset that is added to values of A.
const zeroPoint = -128

// quadLines quantises lines of a panel in float32 to quads, and adds them to sums.
func (kn Kernel) quadLines(dst, src, inverse, sums []float32) {
	to, from, by, sum := unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), unsafe.Pointer(&inverse[0]), unsafe.Pointer(&sums[0])
	if quads := uintptr(len(src) / (4 * kn.NR)); kn.level == cpu.AVX2 {
		quadLinesAVX2(to, from, by, sum, quads)
	} else {
		quadLinesAVX512(to, from, by, sum, quads)
	}
}

// dequantiseTile makes values of the sums of a tile, if there are loops for
// that, and reports whether.
func (kn Kernel) dequantiseTile(t *integerTile, narrow bool) bool {
	switch {
	case kn.level != cpu.AVX512 || kn.form != quads:
		return false
	case narrow:
		dequantiseRowsBF16AVX512(t)
	default:
		dequantiseRowsAVX512(t)
	}
	return true
}

// dequantiseInts dequantises a leading part and returns its length.
func (kn Kernel) dequantiseInts(sums, scales, bias []float32, scale float32) (done int) {
	if done = len(sums) &^ 7; done > 0 {
		dequantiseAVX2(unsafe.Pointer(&sums[0]), unsafe.Pointer(&scales[0]), unsafe.Pointer(&bias[0]), done, scale)
	}
	return done
}
