package convert

import "github.com/df65613c/easel/internal/cpu"

// The loops of ToF32 and FromF32 over n values, a multiple of block.

//go:noescape
func widenF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func widenBF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func narrowF16AVX2(dst *byte, src *float32, n int)

//go:noescape
func narrowBF16AVX2(dst *byte, src *float32, n int)

func hasLoops() bool { return cpu.Current() >= cpu.AVX2 }

func widenF16(dst *float32, src *byte, n int)   { widenF16AVX2(dst, src, n) }
func widenBF16(dst *float32, src *byte, n int)  { widenBF16AVX2(dst, src, n) }
func narrowF16(dst *byte, src *float32, n int)  { narrowF16AVX2(dst, src, n) }
func narrowBF16(dst *byte, src *float32, n int) { narrowBF16AVX2(dst, src, n) }
