package convert

import "unsafe"

// WidenBF16 sets dst[i] to the value of src[i]. It panics if src is shorter than dst.
func WidenBF16(dst []float32, src []uint16) { ToF32(dst, words(src), BF16) }

// NarrowBF16 sets dst[i] to src[i] rounded. It panics if dst is shorter than src.
func NarrowBF16(dst []uint16, src []float32) { FromF32(words(dst), src, BF16) }

// RoundBF16 sets dst[i] to src[i] rounded to bfloat16. Both may be the same. It
// panics if dst is shorter than src.
func RoundBF16(dst, src []float32) {
	var part [512]uint16
	for len(src) > 0 {
		n := min(len(src), len(part))
		NarrowBF16(part[:n], src[:n])
		WidenBF16(dst[:n], part[:n])
		dst, src = dst[n:], src[n:]
	}
}

func words(v []uint16) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 2*len(v))
}
