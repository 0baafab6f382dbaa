package gemm

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/df65613c/easel/internal/cpu"
)

//go:noescape
func tileI8AVX512(t *Tile)

// quadLinesAVX512 quantises lines of 32 values, four at a time, to one line of
// quads, and adds them to sums.
//
//go:noescape
func quadLinesAVX512(dst, src, inverse, sums unsafe.Pointer, quads uintptr)

// absMaxAVX512 returns the bits of the greatest magnitude of n values, a
// multiple of 16; that of a NaN is greater than infinity.
//
//go:noescape
func absMaxAVX512(src *float32, n int) (bits uint32)

//go:noescape
func quantiseAVX512(dst *uint8, src *float32, n int, inverse float32)

//go:noescape
func dequantiseAVX512(x, scales, bias unsafe.Pointer, n int, scale float32)

// hasVNNI is whether the processor has AVX512_VNNI. Those that have
// AVX512_BF16 do, and so one switch of package cpu is for both.
var hasVNNI = cpuid.CPU.Supports(cpuid.AVX512VNNI)

// currentI8 returns the micro-kernel of 8-bit products in the level in use.
func currentI8() Kernel {
	kn := Current()
	kn.form = integers
	if cpu.BF16() && hasVNNI {
		kn.form = quads
	}
	return kn
}

func absMax(v []float32) (done int, bits uint32) {
	if done = len(v) &^ 15; done == 0 || cpu.Current() < cpu.AVX512 {
		return 0, 0
	}
	return done, absMaxAVX512(&v[0], done)
}

func quantise(dst []uint8, src []float32, inverse float32) (done int) {
	if done = len(src) &^ 15; done == 0 || cpu.Current() < cpu.AVX512 {
		return 0
	}
	quantiseAVX512(&dst[0], &src[0], done, inverse)
	return done
}

func quadLines(dst, src, inverse, zero []float32) {
	clear(zero)
	quadLinesAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), unsafe.Pointer(&inverse[0]), unsafe.Pointer(&zero[0]), uintptr(len(src)/128))
	for i, sum := range unsafe.Slice((*int32)(unsafe.Pointer(&zero[0])), len(zero)) {
		*(*int32)(unsafe.Pointer(&zero[i])) = -128 * sum
	}
}

func dequantiseInts(sums, scales, bias []float32, scale float32) {
	dequantiseAVX512(unsafe.Pointer(&sums[0]), unsafe.Pointer(&scales[0]), unsafe.Pointer(&bias[0]), len(sums), scale)
}
