package convert

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
)

//go:noescape
func scaleI8AVX2(dst *float32, src *int8, n int, scale float32)

//go:noescape
func scaleI8AVX512(dst *float32, src *int8, n int, scale float32)

//go:noescape
func blocksI8AVX2(dst *float32, src, scales unsafe.Pointer, blocks int)

//go:noescape
func blocksI8AVX512(dst *float32, src, scales unsafe.Pointer, blocks int)

//go:noescape
func blocksF4AVX2(dst *float32, src, scales unsafe.Pointer, blocks int)

//go:noescape
func blocksF4AVX512(dst *float32, src, scales unsafe.Pointer, blocks int)

// scaleI8Blocks scales a leading part and returns its length.
func scaleI8Blocks(dst []float32, src []int8, scale float32) (done int) {
	done = len(dst) / block * block
	if done == 0 {
		return 0
	}
	switch cpu.Current() {
	case cpu.AVX512:
		scaleI8AVX512(&dst[0], &src[0], done, scale)
	case cpu.AVX2:
		scaleI8AVX2(&dst[0], &src[0], done, scale)
	default:
		return 0
	}
	return done
}

func blocksI8(dst []float32, src []int8, scales []uint16) {
	switch cpu.Current() {
	case cpu.AVX512:
		blocksI8AVX512(&dst[0], unsafe.Pointer(&src[0]), unsafe.Pointer(&scales[0]), len(scales))
	case cpu.AVX2:
		blocksI8AVX2(&dst[0], unsafe.Pointer(&src[0]), unsafe.Pointer(&scales[0]), len(scales))
	default:
		blocksI8Generic(dst, src, scales)
	}
}

func blocksF4(dst []float32, src []uint8, scales []uint16) {
	switch cpu.Current() {
	case cpu.AVX512:
		blocksF4AVX512(&dst[0], unsafe.Pointer(&src[0]), unsafe.Pointer(&scales[0]), len(scales))
	case cpu.AVX2:
		blocksF4AVX2(&dst[0], unsafe.Pointer(&src[0]), unsafe.Pointer(&scales[0]), len(scales))
	default:
		blocksF4Generic(dst, src, scales)
	}
}
