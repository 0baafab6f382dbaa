package gguf

import "github.com/df65613c/easel/tensor"

// types are the codes of ggml's types.
var types = map[uint32]tensor.DType{
	0: tensor.F32, 1: tensor.F16, 2: tensor.Q40, 3: tensor.Q41, 6: tensor.Q50, 7: tensor.Q51, 8: tensor.Q80,
	10: tensor.Q2K, 11: tensor.Q3K, 12: tensor.Q4K, 13: tensor.Q5K, 14: tensor.Q6K, 20: tensor.IQ4NL, 23: tensor.IQ4XS,
	24: tensor.I8, 25: tensor.I16, 26: tensor.I32, 27: tensor.I64, 28: tensor.F64, 30: tensor.BF16,
}

// others are names of types that are not read, for errors.
var others = map[uint32]string{
	4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S",
	29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
}

func codeOf(dt tensor.DType) (uint32, bool) {
	for code, have := range types {
		if have == dt {
			return code, true
		}
	}
	return 0, false
}

// kind is the type of a value of the metadata.
type kind uint32

const (
	u8Kind kind = iota
	i8Kind
	u16Kind
	i16Kind
	u32Kind
	i32Kind
	f32Kind
	boolKind
	stringKind
	arrayKind
	u64Kind
	i64Kind
	f64Kind
)

// sizes are the bytes of the values of a fixed size.
var sizes = map[kind]int64{u8Kind: 1, i8Kind: 1, u16Kind: 2, i16Kind: 2, u32Kind: 4, i32Kind: 4, f32Kind: 4, boolKind: 1,
	u64Kind: 8, i64Kind: 8, f64Kind: 8}
