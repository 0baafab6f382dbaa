package cpu

import "sync/atomic"

// suffixBF16 after the name of the highest level stands for it and BF16.
const suffixBF16 = "bf16"

var useBF16 atomic.Bool

// HasBF16 reports whether this processor has dot products of bfloat16:
// AVX512_BF16, or FEAT_BF16 of arm64.
func HasBF16() bool { return dotLevel(best) && detectBF16() }

// dotLevel reports whether such dot products belong to a level.
func dotLevel(l Level) bool { return l == AVX512 || l == NEON }

// BF16 reports whether newly made plans may use them. EASEL_CPU=avx512 or neon
// switches them off, EASEL_CPU=avx512bf16 or neonbf16 on.
func BF16() bool { return dotLevel(Current()) && useBF16.Load() }

// UseBF16 switches it for plans made from now on, and returns a function that
// undoes that. It panics if the processor lacks it.
func UseBF16(use bool) (restore func()) {
	if use && !HasBF16() {
		panic("cpu: this processor lacks dot products of bfloat16")
	}
	former := useBF16.Swap(use)
	return func() { useBF16.Store(former) }
}
