package convert

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// The block formats are those of ggml, which GGUF files hold, and of bitsandbytes. A block holds its
// scales; see ggml's ggml-quants.c and the Python packages gguf and bitsandbytes.

// blockForm is how a block format lies in memory.
type blockForm struct {
	name   string
	values int // in a block
	bytes  int // of a block
	unit   int // values that are widened at a time
}

const (
	smallBlock = 32
	superBlock = 256
	mostUnit   = 128
)

// firstBlocked is the first of the formats in blocks.
const firstBlocked = Q40

var blockForms = [...]blockForm{
	Q40 - firstBlocked:   {"Q4_0", smallBlock, 18, 32},
	Q41 - firstBlocked:   {"Q4_1", smallBlock, 20, 32},
	Q50 - firstBlocked:   {"Q5_0", smallBlock, 22, 32},
	Q51 - firstBlocked:   {"Q5_1", smallBlock, 24, 32},
	Q80 - firstBlocked:   {"Q8_0", smallBlock, 34, 32},
	Q2K - firstBlocked:   {"Q2_K", superBlock, 84, 128},
	Q3K - firstBlocked:   {"Q3_K", superBlock, 110, 128},
	Q4K - firstBlocked:   {"Q4_K", superBlock, 144, 64},
	Q5K - firstBlocked:   {"Q5_K", superBlock, 176, 64},
	Q6K - firstBlocked:   {"Q6_K", superBlock, 210, 128},
	IQ4NL - firstBlocked: {"IQ4_NL", smallBlock, 18, 32},
	IQ4XS - firstBlocked: {"IQ4_XS", superBlock, 136, 32},
	NF4 - firstBlocked:   {"NF4", 64, 36, 64},
	FP4 - firstBlocked:   {"FP4", 64, 36, 64},
}

// Blocked reports whether values lie in blocks that hold their scales.
func (f Format) Blocked() bool { return f >= firstBlocked && f <= FP4 }

// Block returns the values and the bytes of a block of a blocked format.
func (f Format) Block() (values, bytes int) {
	form := blockForms[f-firstBlocked]
	return form.values, form.bytes
}

// widenBlocks sets dst to the values from number at on of a blocked format.
func widenBlocks(dst []float32, data unsafe.Pointer, f Format, at int) {
	form := &blockForms[f-firstBlocked]
	for len(dst) > 0 {
		block := unsafe.Slice((*byte)(unsafe.Add(data, at/form.values*form.bytes)), form.bytes)
		unit, skip := at%form.values/form.unit, at%form.unit
		if skip == 0 && len(dst) >= form.unit {
			widenUnit(dst[:form.unit], block, unit, f)
			dst, at = dst[form.unit:], at+form.unit
			continue
		}
		var whole [mostUnit]float32
		widenUnit(whole[:form.unit], block, unit, f)
		done := copy(dst, whole[skip:form.unit])
		dst, at = dst[done:], at+done
	}
}

// widenUnit is no table of functions: what is passed to one of those is kept on the heap.
func widenUnit(dst []float32, block []byte, unit int, f Format) {
	switch f {
	case Q40:
		widenQ40(dst, block)
	case Q41:
		widenQ41(dst, block)
	case Q50:
		widenQ50(dst, block)
	case Q51:
		widenQ51(dst, block)
	case Q80:
		widenQ80(dst, block)
	case Q2K:
		widenQ2K(dst, block, unit)
	case Q3K:
		widenQ3K(dst, block, unit)
	case Q4K:
		widenQ4K(dst, block, unit)
	case Q5K:
		widenQ5K(dst, block, unit)
	case Q6K:
		widenQ6K(dst, block, unit)
	case IQ4NL:
		widenIQ4NL(dst, block)
	case IQ4XS:
		widenIQ4XS(dst, block, unit)
	case NF4:
		widenTable(dst, block, &nf4)
	case FP4:
		widenTable(dst, block, &fp4)
	}
}

// Products are rounded before they are added to, by the conversions below: on
// some processors the compiler would else fuse the two.

func half(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }

func widenQ40(dst []float32, b []byte) {
	d := half(b)
	dst = dst[:32]
	for i, q := range b[2:18] {
		dst[i] = float32(int(q&15)-8) * d
		dst[i+16] = float32(int(q>>4)-8) * d
	}
}

func widenQ41(dst []float32, b []byte) {
	d, m := half(b), half(b[2:])
	dst = dst[:32]
	for i, q := range b[4:20] {
		dst[i] = float32(float32(q&15)*d) + m
		dst[i+16] = float32(float32(q>>4)*d) + m
	}
}

func widenQ50(dst []float32, b []byte) {
	d, high := half(b), binary.LittleEndian.Uint32(b[2:])
	dst = dst[:32]
	for i, q := range b[6:22] {
		dst[i] = float32(int(q&15|byte(high>>i)<<4&16)-16) * d
		dst[i+16] = float32(int(q>>4|byte(high>>(i+16))<<4&16)-16) * d
	}
}

func widenQ51(dst []float32, b []byte) {
	d, m, high := half(b), half(b[2:]), binary.LittleEndian.Uint32(b[4:])
	dst = dst[:32]
	for i, q := range b[8:24] {
		dst[i] = float32(float32(q&15|byte(high>>i)<<4&16)*d) + m
		dst[i+16] = float32(float32(q>>4|byte(high>>(i+16))<<4&16)*d) + m
	}
}

func widenQ80(dst []float32, b []byte) {
	scaleI8(dst[:32], unsafe.Slice((*int8)(unsafe.Pointer(&b[2])), 32), half(b))
}

// widenQ2K: 16 bytes of scales and minima of 16 values each, 64 of codes, two factors.
func widenQ2K(dst []float32, b []byte, unit int) {
	scales, codes := b[8*unit:][:8], b[16+32*unit:][:32]
	d, dmin := half(b[80:]), half(b[82:])
	for g := range 8 { // of 16 values
		s, m := d*float32(scales[g]&15), dmin*float32(scales[g]>>4)
		shift, from := 2*(g/2), codes[g%2*16:][:16]
		to := dst[16*g:][:16]
		for i, q := range from {
			to[i] = float32(s*float32(q>>shift&3)) - m
		}
	}
}

// widenQ3K: 32 bytes of high bits, 64 of low ones, 12 of scales of 6 bits, a factor.
func widenQ3K(dst []float32, b []byte, unit int) {
	high, codes, scales, d := b[:32], b[32+32*unit:][:32], b[96:108], half(b[108:])
	for g := range 8 {
		n := 8*unit + g
		s := scales[n%8]>>(4*(n/8))&15 | scales[8+n%4]>>(2*(n/4))&3<<4
		by := d * float32(int(s)-32)
		shift, bit := 2*(g/2), 4*unit+g/2
		to, at := dst[16*g:][:16], g%2*16
		for i := range to {
			q := int(codes[at+i]>>shift&3) - 4*int(^high[at+i]>>bit&1)
			to[i] = by * float32(q)
		}
	}
}

// scaleMin returns scale and minimum number j of Q4_K and Q5_K, of 6 bits each.
func scaleMin(s []byte, j int) (scale, minimum byte) {
	if j < 4 {
		return s[j] & 63, s[j+4] & 63
	}
	return s[j+4]&15 | s[j-4]>>6<<4, s[j+4]>>4 | s[j]>>6<<4
}

// widenQ4K: two factors, 12 bytes of scales and minima of 32 values each, 128 of codes.
func widenQ4K(dst []float32, b []byte, unit int) {
	d, dmin := half(b), half(b[2:])
	codes := b[16+32*unit:][:32]
	for g := range 2 {
		s, m := scaleMin(b[4:16], 2*unit+g)
		by, less := d*float32(s), dmin*float32(m)
		to := dst[32*g:][:32]
		for i, q := range codes {
			to[i] = float32(by*float32(q>>(4*g)&15)) - less
		}
	}
}

// widenQ5K has 32 bytes of high bits between the scales and the codes of Q4_K.
func widenQ5K(dst []float32, b []byte, unit int) {
	d, dmin := half(b), half(b[2:])
	high, codes := b[16:48], b[48+32*unit:][:32]
	for g := range 2 {
		s, m := scaleMin(b[4:16], 2*unit+g)
		by, less, bit := d*float32(s), dmin*float32(m), 2*unit+g
		to := dst[32*g:][:32]
		for i, q := range codes {
			to[i] = float32(by*float32(q>>(4*g)&15|high[i]>>bit&1<<4)) - less
		}
	}
}

// widenQ6K: 128 bytes of low halves, 64 of upper pairs of bits, 16 scales, a factor.
func widenQ6K(dst []float32, b []byte, unit int) {
	low, high, scales, d := b[64*unit:][:64], b[128+32*unit:][:32], b[192+8*unit:][:8], half(b[208:])
	for g := range 4 { // of 32 values
		from, shift := low[g%2*32:][:32], 4*(g/2)
		to := dst[32*g:][:32]
		first, second := d*float32(int8(scales[2*g])), d*float32(int8(scales[2*g+1]))
		for i, q := range from {
			by := first
			if i >= 16 {
				by = second
			}
			to[i] = by * float32(int(q>>shift&15|high[i]>>(2*g)&3<<4)-32)
		}
	}
}

// iq4 are the values of the codes of IQ4_NL and IQ4_XS.
var iq4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func widenIQ4NL(dst []float32, b []byte) { widenCodes(dst, b[2:18], half(b)) }

func widenCodes(dst []float32, codes []byte, by float32) {
	dst = dst[:32]
	for i, q := range codes[:16] {
		dst[i] = by * iq4[q&15]
		dst[i+16] = by * iq4[q>>4]
	}
}

// widenIQ4XS: a factor, 2 bytes of high and 4 of low bits of scales, 128 of codes.
func widenIQ4XS(dst []float32, b []byte, unit int) {
	high := binary.LittleEndian.Uint16(b[2:])
	s := b[4+unit/2]>>(4*(unit%2))&15 | byte(high>>(2*unit))&3<<4
	widenCodes(dst, b[8+16*unit:], half(b)*float32(int(s)-32))
}

// nf4 are the quantiles of Dettmers et al., QLoRA: Efficient Finetuning of Quantized LLMs, 2023, appendix E.
var nf4 = [16]float32{
	-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
	0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
}

// fp4 are a sign, two bits of exponent, one of fraction, as bitsandbytes orders and scales them.
var fp4 = [16]float32{
	0, 0.0052083334, 0.6666667, 1, 0.33333334, 0.5, 0.16666667, 0.25,
	float32(math.Copysign(0, -1)), -0.0052083334, -0.6666667, -1, -0.33333334, -0.5, -0.16666667, -0.25,
}

// Table returns the values of the codes of NF4 or FP4.
func Table(f Format) [16]float32 {
	if f == NF4 {
		return nf4
	}
	return fp4
}

func widenTable(dst []float32, b []byte, table *[16]float32) {
	by := math.Float32frombits(binary.LittleEndian.Uint32(b))
	dst = dst[:64]
	for i, q := range b[4:36] {
		dst[2*i] = table[q>>4] * by
		dst[2*i+1] = table[q&15] * by
	}
}

// BlocksFromF32 sets dst to the blocks of a format that src is rounded to, as gguf's
// quantize does it. len(src) must be whole blocks. It panics unless the format is one of
// those that [Format.Rounds] names.
func BlocksFromF32(dst []byte, src []float32, f Format) {
	form := &blockForms[f-firstBlocked]
	round := roundings[f]
	for ; len(src) > 0; src, dst = src[form.values:], dst[form.bytes:] {
		round(dst[:form.bytes], src[:form.values])
	}
}

// Rounds reports whether [BlocksFromF32] makes blocks of the format.
func (f Format) Rounds() bool { return roundings[f] != nil }

var roundings = map[Format]func(dst []byte, src []float32){Q40: roundQ40, Q41: roundQ41, Q50: roundQ50, Q51: roundQ51, Q80: roundQ80}

func putHalf(dst []byte, v float32) { binary.LittleEndian.PutUint16(dst, F32ToF16(v)) }

// farthest returns the first of the values of the greatest magnitude.
func farthest(src []float32) (v float32) {
	for _, x := range src {
		if abs(x) > abs(v) {
			v = x
		}
	}
	return v
}

func abs(v float32) float32 { return float32(math.Abs(float64(v))) }

func reciprocal(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// code returns v*by+offset, cut to a whole number of 0 to most.
func code(v, by, offset float32, most byte) byte {
	q := int(float32(float32(v*by) + offset))
	return byte(max(0, min(q, int(most))))
}

func roundQ40(dst []byte, src []float32) {
	d := farthest(src) / -8
	by := reciprocal(d)
	putHalf(dst, d)
	for i := range 16 {
		dst[2+i] = code(src[i], by, 8.5, 15) | code(src[i+16], by, 8.5, 15)<<4
	}
}

// extent returns the least and the greatest value.
func extent(src []float32) (least, most float32) {
	least, most = src[0], src[0]
	for _, v := range src {
		least, most = min(least, v), max(most, v)
	}
	return least, most
}

func roundQ41(dst []byte, src []float32) {
	least, most := extent(src)
	d := (most - least) / 15
	by := reciprocal(d)
	putHalf(dst, d)
	putHalf(dst[2:], least)
	for i := range 16 {
		dst[4+i] = code(src[i]-least, by, 0.5, 15) | code(src[i+16]-least, by, 0.5, 15)<<4
	}
}

func roundQ50(dst []byte, src []float32) {
	d := farthest(src) / -16
	by := reciprocal(d)
	putHalf(dst, d)
	var high uint32
	for i := range 16 {
		a, b := code(src[i], by, 16.5, 31), code(src[i+16], by, 16.5, 31)
		dst[6+i] = a&15 | b<<4
		high |= uint32(a>>4)<<i | uint32(b>>4)<<(i+16)
	}
	binary.LittleEndian.PutUint32(dst[2:], high)
}

func roundQ51(dst []byte, src []float32) {
	least, most := extent(src)
	d := (most - least) / 31
	by := reciprocal(d)
	putHalf(dst, d)
	putHalf(dst[2:], least)
	var high uint32
	for i := range 16 {
		a, b := code(src[i]-least, by, 0.5, 31), code(src[i+16]-least, by, 0.5, 31)
		dst[8+i] = a&15 | b<<4
		high |= uint32(a>>4)<<i | uint32(b>>4)<<(i+16)
	}
	binary.LittleEndian.PutUint32(dst[4:], high)
}

func roundQ80(dst []byte, src []float32) {
	d := abs(farthest(src)) / 127
	by := reciprocal(d)
	putHalf(dst, d)
	for i, v := range src {
		dst[2+i] = byte(int8(math.Round(float64(v * by)))) // halves away from 0
	}
}
