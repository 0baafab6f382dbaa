package cpu

import "sync/atomic"

// suffixBF16 after the name of the highest level stands for it and BF16.
const suffixBF16 = "bf16"

var useBF16 atomic.Bool

// HasBF16 reports whether this processor has AVX512_BF16.
func HasBF16() bool { return best == AVX512 && detectBF16() }

// BF16 reports whether newly made plans may use AVX512_BF16, which belongs to
// the level AVX512. EASEL_CPU=avx512 switches it off, EASEL_CPU=avx512bf16 on.
func BF16() bool { return Current() == AVX512 && useBF16.Load() }

// UseBF16 switches it for plans made from now on, and returns a function that
// undoes that. It panics if the processor lacks it.
func UseBF16(use bool) (restore func()) {
	if use && !HasBF16() {
		panic("cpu: this processor lacks AVX512_BF16")
	}
	former := useBF16.Swap(use)
	return func() { useBF16.Store(former) }
}
