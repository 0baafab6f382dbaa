package tensor

// number is a type that operations compute in. The small dtypes are widened to
// one of these, chunk by chunk, and narrowed again.
type number interface {
	float32 | float64 | int64 | uint64
}

// class says which number a dtype is computed in.
type class uint8

const (
	opaque   class = iota // no operation reads the values
	singles               // float32: F8E5M2, F8E4M3, F16, BF16, F32
	doubles               // float64: F64
	signed                // int64: I8, I16, I32, I64
	unsigned              // uint64: Bool, U8, U16, U32, U64
)

func (d DType) class() class {
	switch d {
	case F8E5M2, F8E4M3, F16, BF16, F32:
		return singles
	case F64:
		return doubles
	case I8, I16, I32, I64:
		return signed
	case Bool, U8, U16, U32, U64:
		return unsigned
	}
	return opaque
}

func isFloat[T number]() bool {
	half := 0.5
	return T(half) != 0
}
