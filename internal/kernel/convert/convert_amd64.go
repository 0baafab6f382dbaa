package convert

import "github.com/df65613c/easel/internal/cpu"

// The loops of ToF32 and FromF32 over n values, a multiple of 16.

//go:noescape
func widenF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func widenBF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func narrowF16AVX2(dst *byte, src *float32, n int)

//go:noescape
func narrowBF16AVX2(dst *byte, src *float32, n int)

const block = 16

// toF32 and fromF32 convert a leading part and return its length.
func toF32(dst []float32, src []byte, f Format) (done int) {
	done = len(dst) / block * block
	if done == 0 || cpu.Current() < cpu.AVX2 {
		return 0
	}
	switch f {
	case F16:
		widenF16AVX2(&dst[0], &src[0], done)
	case BF16:
		widenBF16AVX2(&dst[0], &src[0], done)
	default:
		return 0
	}
	return done
}

func fromF32(dst []byte, src []float32, f Format) (done int) {
	done = len(src) / block * block
	if done == 0 || cpu.Current() < cpu.AVX2 {
		return 0
	}
	switch f {
	case F16:
		narrowF16AVX2(&dst[0], &src[0], done)
	case BF16:
		narrowBF16AVX2(&dst[0], &src[0], done)
	default:
		return 0
	}
	return done
}
