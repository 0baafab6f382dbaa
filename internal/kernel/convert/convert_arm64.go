package convert

import "github.com/df65613c/easel/internal/cpu"

// The loops of ToF32 and FromF32 over n values, a multiple of block.

//go:noescape
func widenF16NEON(dst *float32, src *byte, n int)

//go:noescape
func widenBF16NEON(dst *float32, src *byte, n int)

//go:noescape
func narrowF16NEON(dst *byte, src *float32, n int)

//go:noescape
func narrowBF16NEON(dst *byte, src *float32, n int)

func hasLoops() bool { return cpu.Current() == cpu.NEON }

func widenF16(dst *float32, src *byte, n int)   { widenF16NEON(dst, src, n) }
func widenBF16(dst *float32, src *byte, n int)  { widenBF16NEON(dst, src, n) }
func narrowF16(dst *byte, src *float32, n int)  { narrowF16NEON(dst, src, n) }
func narrowBF16(dst *byte, src *float32, n int) { narrowBF16NEON(dst, src, n) }
