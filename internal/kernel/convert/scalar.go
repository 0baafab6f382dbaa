package convert

import "math"

const (
	infF32   = 0x7f800000 // bits of +Inf
	infF16   = 0x7c00
	quietF32 = 0x00400000 // the bit that tells a quiet NaN from a signalling one
	quietF16 = 0x0200

	rebias = (127 - 15) << 23 // between the exponents of binary16 and binary32
)

// F16ToF32 returns the value of a binary16.
func F16ToF32(h uint16) float32 {
	sign, h := uint32(h&0x8000)<<16, h&0x7fff
	b := uint32(h) << 13
	switch {
	case h > infF16:
		b |= infF32 | quietF32
	case h == infF16:
		b = infF32
	case h >= 1<<10:
		b += rebias
	default: // subnormal, in units of 2^-24
		b = math.Float32bits(float32(h) * 0x1p-24)
	}
	return math.Float32frombits(sign | b)
}

// F32ToF16 returns the nearest binary16.
func F32ToF16(v float32) uint16 {
	b := math.Float32bits(v)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > infF32:
		return sign | infF16 | quietF16 | uint16(b>>13)&0x3ff
	case b >= (127+16)<<23:
		return sign | infF16
	case b < (127-14)<<23:
		// Adding 1/2 leaves the value in units of 2^-24 in the lowest bits.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5))
	}
	return sign | uint16((b-rebias+0xfff+b>>13&1)>>13)
}

// BF16ToF32 returns the value of a bfloat16.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 returns the nearest bfloat16.
func F32ToBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if b&0x7fffffff > infF32 {
		return uint16((b | quietF32) >> 16)
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
