package convert

import (
	"math"
	"unsafe"
)

// BlockSize is the values of a row that share a scale, where not all of it does.
const BlockSize = 32

// Scales are what the numbers of a weight [N,K] in I8 or F4 are multiplied
// with: one scale a row, or one for each BlockSize values of a row. K is then a
// multiple of BlockSize.
type Scales struct {
	Rows   []float32 // [N]
	Blocks []uint16  // binary16 [N,K/BlockSize], instead of Rows
}

// e2m1 are the values of F4: a sign, two bits of exponent, one of fraction.
var e2m1 = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, float32(math.Copysign(0, -1)), -0.5, -1, -1.5, -2, -3, -4, -6}

// F4ToF32 returns the value of the lower four bits.
func F4ToF32(b uint8) float32 { return e2m1[b&15] }

// Row sets dst to the values of row n of a weight of k columns, from column
// from on. The weight begins at data and is in I8, in F4, of which the first
// of two values is in the lower four bits, or in blocks, which need no scales.
func (s Scales) Row(dst []float32, data unsafe.Pointer, f Format, k, n, from int) {
	if f.Blocked() {
		widenBlocks(dst, data, f, n*k+from)
		return
	}
	if f == I8 && s.Rows != nil {
		scaleI8(dst, unsafe.Slice((*int8)(unsafe.Add(data, n*k+from)), len(dst)), s.Rows[n])
		return
	}
	for len(dst) > 0 {
		at := n*k + from
		skip := at % BlockSize
		if skip == 0 && len(dst) >= BlockSize {
			whole := len(dst) / BlockSize * BlockSize
			s.blocks(dst[:whole], data, f, at)
			dst, from = dst[whole:], from+whole
			continue
		}
		var block [BlockSize]float32
		s.blocks(block[:], data, f, at-skip)
		done := copy(dst, block[skip:])
		dst, from = dst[done:], from+done
	}
}

// ScaleRow multiplies values of row n of a weight of floats with the row's scale, if it has one.
func (s Scales) ScaleRow(dst []float32, n int) {
	if s.Rows == nil {
		return
	}
	by := s.Rows[n]
	for i := range dst {
		dst[i] *= by
	}
}

// blocks sets dst to whole blocks, from value at on.
func (s Scales) blocks(dst []float32, data unsafe.Pointer, f Format, at int) {
	scales := s.Blocks[at/BlockSize:][:len(dst)/BlockSize]
	if f == I8 {
		blocksI8(dst, unsafe.Slice((*int8)(unsafe.Add(data, at)), len(dst)), scales)
		return
	}
	blocksF4(dst, unsafe.Slice((*uint8)(unsafe.Add(data, at/2)), len(dst)/2), scales)
}

// scaleI8 sets dst[i] to src[i]*scale.
func scaleI8(dst []float32, src []int8, scale float32) {
	done := scaleI8Blocks(dst, src, scale)
	for i, v := range src[done:] {
		dst[done+i] = float32(v) * scale
	}
}

func blocksI8Generic(dst []float32, src []int8, scales []uint16) {
	for i, s := range scales {
		scale := F16ToF32(s)
		for j, v := range src[i*BlockSize:][:BlockSize] {
			dst[i*BlockSize+j] = float32(v) * scale
		}
	}
}

func blocksF4Generic(dst []float32, src []uint8, scales []uint16) {
	for i, s := range scales {
		scale := F16ToF32(s)
		for j, b := range src[i*BlockSize/2:][:BlockSize/2] {
			dst[i*BlockSize+2*j] = F4ToF32(b) * scale
			dst[i*BlockSize+2*j+1] = F4ToF32(b>>4) * scale
		}
	}
}
