package peak

import (
	"github.com/klauspost/cpuid/v2"

	"github.com/df65613c/easel/internal/cpu"
)

//go:noescape
func fmaAVX2(x, y uint32, n int, out *[16]uint32)

//go:noescape
func fmaAVX512(x, y uint32, n int, out *[16]uint32)

//go:noescape
func dpbf16AVX512(x, y uint32, n int, out *[16]uint32)

//go:noescape
func dpbusdAVX2(x, y uint32, n int, out *[16]uint32)

//go:noescape
func dpbusdAVX512(x, y uint32, n int, out *[16]uint32)

const unroll = 4 // of the loops in assembly

// Loops returns the loops for the instructions that kernels may use.
func Loops() []Loop {
	loops := []Loop{plain}
	if cpu.Current() >= cpu.AVX2 {
		loops = append(loops, Loop{"avx2", "F32", 8, 12 * unroll, fmaAVX2, onesF32})
		if cpuid.CPU.Supports(cpuid.AVXVNNI) {
			loops = append(loops, Loop{"avx_vnni", "I8", 8, 4 * 12 * unroll, dpbusdAVX2, onesI8})
		}
	}
	if cpu.Current() >= cpu.AVX512 {
		loops = append(loops, Loop{"avx512", "F32", 16, 24 * unroll, fmaAVX512, onesF32})
		if cpuid.CPU.Supports(cpuid.AVX512BF16) {
			loops = append(loops, Loop{"avx512_bf16", "BF16", 16, 2 * 24 * unroll, dpbf16AVX512, onesBF16})
		}
		if cpuid.CPU.Supports(cpuid.AVX512VNNI) {
			loops = append(loops, Loop{"avx512_vnni", "I8", 16, 4 * 24 * unroll, dpbusdAVX512, onesI8})
		}
	}
	return loops
}
