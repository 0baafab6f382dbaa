// Package convert turns the floating-point formats of checkpoints into float32,
// and those of 16 bits back.
//
// Memory is little-endian, and so are the machines. Narrowing rounds to nearest, ties to even; what is
// too large becomes an infinity; subnormal numbers are kept. A NaN stays a NaN
// with its sign and leading bits, made quiet.
package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// Format is a floating-point format in memory.
type Format uint8

const (
	F32    Format = iota // IEEE 754 binary32
	F16                  // IEEE 754 binary16
	BF16                 // the upper half of a binary32
	I8                   // integers, see Scales
	F4                   // E2M1, two in a byte, see Scales
	F64                  // IEEE 754 binary64; it and the following are only read
	F8E4M3               // without infinities
	F8E5M2
	Q40 // blocks of ggml from here on: 32 values and a factor
	Q41 // and the least value
	Q50
	Q51 // and the least value
	Q80
	Q2K // 256 values, scales of 4 or 6 bits for 16 or 32 of them, and their factors
	Q3K
	Q4K
	Q5K
	Q6K
	IQ4NL // as Q40, of 16 values that are not evenly spaced
	IQ4XS // as IQ4NL, with scales of 6 bits
	NF4   // blocks of bitsandbytes: 64 values of a table, and a factor
	FP4
)

// Size returns the bytes of one value, 0 for F4 and in blocks.
func (f Format) Size() int {
	switch f {
	case F64:
		return 8
	case F32:
		return 4
	case I8, F8E4M3, F8E5M2:
		return 1
	case F16, BF16:
		return 2
	}
	return 0
}

// Scaled reports whether values have scales beside them.
func (f Format) Scaled() bool { return f == I8 || f == F4 }

// Quantised reports whether stored numbers stand for values only with their scales, beside them
// or in blocks.
func (f Format) Quantised() bool { return f.Scaled() || f.Blocked() }

// Packed reports whether kernels read the format as it is stored. Others they read
// by way of rows in float32.
func (f Format) Packed() bool { return f <= BF16 }

var names = [...]string{F32: "F32", F16: "F16", BF16: "BF16", I8: "I8", F4: "F4", F64: "F64", F8E4M3: "F8_E4M3", F8E5M2: "F8_E5M2"}

// String returns the name, which the type of a tensor has too.
func (f Format) String() string {
	switch {
	case int(f) < len(names):
		return names[f]
	case f.Blocked():
		return blockForms[f-firstBlocked].name
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// Named returns the format of a name.
func Named(name string) (Format, bool) {
	for f := range FP4 + 1 {
		if f.String() == name {
			return f, true
		}
	}
	return 0, false
}

// ToF32 sets dst[i] to the i-th value of src, whose format is f. It panics if
// src is shorter than dst.
func ToF32(dst []float32, src []byte, f Format) {
	src = src[:len(dst)*f.Size()]
	done := toF32(dst, src, f)
	dst, src = dst[done:], src[done*f.Size():]
	switch f {
	case F32:
		copy(view(dst), src)
	case F16:
		for i := range dst {
			dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	case F8E4M3:
		for i := range dst {
			dst[i] = e4m3[src[i]]
		}
	case F8E5M2:
		for i := range dst {
			dst[i] = e5m2[src[i]]
		}
	default:
		panic("convert: unknown " + f.String())
	}
}

// FromF32 sets the i-th value of dst, whose format is f, to src[i] rounded. It
// panics if dst is shorter than src.
func FromF32(dst []byte, src []float32, f Format) {
	dst = dst[:len(src)*f.Size()]
	done := fromF32(dst, src, f)
	dst, src = dst[done*f.Size():], src[done:]
	switch f {
	case F32:
		copy(dst, view(src))
	case F16:
		for i, v := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], F32ToF16(v))
		}
	case BF16:
		for i, v := range src {
			binary.LittleEndian.PutUint16(dst[2*i:], F32ToBF16(v))
		}
	default:
		panic("convert: unknown " + f.String())
	}
}

func view(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}
