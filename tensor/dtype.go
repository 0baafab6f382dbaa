package tensor

import "fmt"

// DType is the type of a tensor's elements as they lie in memory.
//
// A DType describes a block of elements and the bytes that hold it. For plain
// types a block is one element; a block-quantised type packs several elements
// with their scale, and its rows are whole blocks.
type DType uint8

// The element types, those up to U64 named and ordered as in the safetensors format. F4, the
// F6 and F8 variants other than F8E5M2 and F8E4M3, and C64 are only stored:
// no operation reads their values.
const (
	Invalid DType = iota
	Bool
	F4     // two in a byte
	F6E2M3 // four in three bytes
	F6E3M2 // four in three bytes
	U8
	I8
	F8E5M2
	F8E4M3 // without infinities
	F8E8M0
	F8E4M3FNUZ
	F8E5M2FNUZ
	I16
	U16
	F16
	BF16
	I32
	U32
	F32
	C64
	F64
	I64
	U64

	// Blocks that hold their scales: those of GGUF files, and of bitsandbytes. Operations do not read
	// them; Convert widens them.
	Q40
	Q41
	Q50
	Q51
	Q80
	Q2K
	Q3K
	Q4K
	Q5K
	Q6K
	IQ4NL
	IQ4XS
	NF4 // 64 codes of quantiles of the normal distribution after their F32 factor, the first of two in the upper bits
	FP4 // as NF4, of floating-point numbers of 4 bits
)

type layout struct {
	name  string
	elems int // elements in a block
	bytes int // bytes of a block
}

var layouts = [...]layout{
	Invalid:    {"INVALID", 0, 0},
	Bool:       {"BOOL", 1, 1},
	F4:         {"F4", 2, 1},
	F6E2M3:     {"F6_E2M3", 4, 3},
	F6E3M2:     {"F6_E3M2", 4, 3},
	U8:         {"U8", 1, 1},
	I8:         {"I8", 1, 1},
	F8E5M2:     {"F8_E5M2", 1, 1},
	F8E4M3:     {"F8_E4M3", 1, 1},
	F8E8M0:     {"F8_E8M0", 1, 1},
	F8E4M3FNUZ: {"F8_E4M3FNUZ", 1, 1},
	F8E5M2FNUZ: {"F8_E5M2FNUZ", 1, 1},
	I16:        {"I16", 1, 2},
	U16:        {"U16", 1, 2},
	F16:        {"F16", 1, 2},
	BF16:       {"BF16", 1, 2},
	I32:        {"I32", 1, 4},
	U32:        {"U32", 1, 4},
	F32:        {"F32", 1, 4},
	C64:        {"C64", 1, 8},
	F64:        {"F64", 1, 8},
	I64:        {"I64", 1, 8},
	U64:        {"U64", 1, 8},
	Q40:        {"Q4_0", 32, 18},
	Q41:        {"Q4_1", 32, 20},
	Q50:        {"Q5_0", 32, 22},
	Q51:        {"Q5_1", 32, 24},
	Q80:        {"Q8_0", 32, 34},
	Q2K:        {"Q2_K", 256, 84},
	Q3K:        {"Q3_K", 256, 110},
	Q4K:        {"Q4_K", 256, 144},
	Q5K:        {"Q5_K", 256, 176},
	Q6K:        {"Q6_K", 256, 210},
	IQ4NL:      {"IQ4_NL", 32, 18},
	IQ4XS:      {"IQ4_XS", 256, 136},
	NF4:        {"NF4", 64, 36},
	FP4:        {"FP4", 64, 36},
}

func (d DType) layout() layout {
	if int(d) < len(layouts) {
		return layouts[d]
	}
	return layouts[Invalid]
}

// ParseDType returns the type with a name such as "BF16", as in safetensors, or
// as in ggml and bitsandbytes for block types such as "Q4_0" and "NF4".
func ParseDType(name string) (DType, error) {
	for i, l := range layouts {
		if l.name == name && DType(i) != Invalid {
			return DType(i), nil
		}
	}
	return Invalid, fmt.Errorf("tensor: unknown dtype %q", name)
}

// String returns the name of the type, which ParseDType knows.
func (d DType) String() string {
	if int(d) < len(layouts) {
		return layouts[d].name
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// Blocked reports whether the type is one of GGUF's or bitsandbytes', whose blocks hold their scales.
func (d DType) Blocked() bool { return d >= Q40 && d <= FP4 }

// Valid reports whether d is one of the types of this package.
func (d DType) Valid() bool { return d.layout().elems > 0 }

// Block returns the number of elements in a block and the bytes that hold it.
// Both are the element's own (1 and its size) for types that are not quantised.
func (d DType) Block() (elems, bytes int) { l := d.layout(); return l.elems, l.bytes }

// Size returns the bytes of one element, or 0 for a block-quantised type.
func (d DType) Size() int {
	if l := d.layout(); l.elems == 1 {
		return l.bytes
	}
	return 0
}

// IsFloat reports whether d holds floating-point numbers that operations read.
func (d DType) IsFloat() bool {
	switch d {
	case F8E5M2, F8E4M3, F16, BF16, F32, F64:
		return true
	}
	return false
}

// ByteLen returns the bytes that n elements take, or an error if they are not a
// whole number of blocks, or the bytes overflow an int.
func (d DType) ByteLen(n int) (int, error) {
	l := d.layout()
	if l.elems == 0 {
		return 0, fmt.Errorf("tensor: invalid dtype %s", d)
	}
	if n < 0 || n%l.elems != 0 {
		return 0, fmt.Errorf("tensor: %d elements are no whole number of %s blocks of %d", n, d, l.elems)
	}
	blocks := n / l.elems
	if blocks > maxInt/l.bytes {
		return 0, fmt.Errorf("tensor: %d elements of %s overflow the address space", n, d)
	}
	return blocks * l.bytes, nil
}

const maxInt = int(^uint(0) >> 1)
