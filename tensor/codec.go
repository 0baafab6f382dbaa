package tensor

import (
	"encoding/binary"
	"math"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// decode reads len(dst) contiguous elements of dtype dt, whose class T is.
func decode[T number](dst []T, raw []byte, dt DType) {
	le := binary.LittleEndian
	switch dst := any(dst).(type) {
	case []float32:
		decodeSingles(dst, raw, dt)
	case []float64:
		for i := range dst {
			dst[i] = math.Float64frombits(le.Uint64(raw[8*i:]))
		}
	case []int64:
		switch dt.Size() {
		case 1:
			for i := range dst {
				dst[i] = int64(int8(raw[i]))
			}
		case 2:
			for i := range dst {
				dst[i] = int64(int16(le.Uint16(raw[2*i:])))
			}
		case 4:
			for i := range dst {
				dst[i] = int64(int32(le.Uint32(raw[4*i:])))
			}
		case 8:
			for i := range dst {
				dst[i] = int64(le.Uint64(raw[8*i:]))
			}
		}
	case []uint64:
		switch dt.Size() {
		case 1:
			for i := range dst {
				dst[i] = uint64(raw[i])
			}
		case 2:
			for i := range dst {
				dst[i] = uint64(le.Uint16(raw[2*i:]))
			}
		case 4:
			for i := range dst {
				dst[i] = uint64(le.Uint32(raw[4*i:]))
			}
		case 8:
			for i := range dst {
				dst[i] = le.Uint64(raw[8*i:])
			}
		}
	}
}

// encode is the reverse of decode. Floating-point values are rounded to
// nearest even; of integers the low bits are kept.
func encode[T number](raw []byte, src []T, dt DType) {
	switch src := any(src).(type) {
	case []float32:
		encodeSingles(raw, src, dt)
	case []float64:
		for i, v := range src {
			binary.LittleEndian.PutUint64(raw[8*i:], math.Float64bits(v))
		}
	case []int64:
		encodeIntegers(raw, src, dt.Size())
	case []uint64:
		encodeIntegers(raw, src, dt.Size())
	}
}

func encodeIntegers[T int64 | uint64](raw []byte, src []T, size int) {
	le := binary.LittleEndian
	switch size {
	case 1:
		for i, v := range src {
			raw[i] = byte(v)
		}
	case 2:
		for i, v := range src {
			le.PutUint16(raw[2*i:], uint16(v))
		}
	case 4:
		for i, v := range src {
			le.PutUint32(raw[4*i:], uint32(v))
		}
	case 8:
		for i, v := range src {
			le.PutUint64(raw[8*i:], uint64(v))
		}
	}
}

func decodeSingles(dst []float32, raw []byte, dt DType) {
	switch dt {
	case F32:
		convert.ToF32(dst, raw, convert.F32)
	case F16:
		convert.ToF32(dst, raw, convert.F16)
	case BF16:
		convert.ToF32(dst, raw, convert.BF16)
	case F8E5M2:
		convert.ToF32(dst, raw, convert.F8E5M2)
	case F8E4M3:
		convert.ToF32(dst, raw, convert.F8E4M3)
	}
}

func encodeSingles(raw []byte, src []float32, dt DType) {
	switch dt {
	case F32:
		convert.FromF32(raw, src, convert.F32)
	case F16:
		convert.FromF32(raw, src, convert.F16)
	case BF16:
		convert.FromF32(raw, src, convert.BF16)
	case F8E5M2:
		for i, v := range src {
			raw[i] = f8e5m2.encode(v)
		}
	case F8E4M3:
		for i, v := range src {
			raw[i] = f8e4m3.encode(v)
		}
	}
}
