package tensor

import "math"

// float8 is how numbers are rounded to an 8-bit floating-point format of Micikevicius et al., FP8 Formats
// for Deep Learning, 2022.
type float8 struct {
	mantissa int // bits
	bias     int
	max      byte // the largest finite value
	overflow byte // what a larger one becomes, infinity where the format has it
	nan      byte
}

var (
	f8e5m2 = float8{mantissa: 2, bias: 15, max: 0x7b, overflow: 0x7c, nan: 0x7f}
	f8e4m3 = float8{mantissa: 3, bias: 7, max: 0x7e, overflow: 0x7e, nan: 0x7f} // saturates, as torch does from 2.12 on
)

// encode rounds to nearest even.
func (f *float8) encode(v float32) byte {
	bits := math.Float32bits(v)
	sign := byte(bits >> 24 & 0x80)
	if v != v {
		return sign | f.nan
	}
	a := math.Abs(float64(v))
	if a == 0 {
		return sign
	}
	if math.IsInf(a, 0) {
		return sign | f.overflow
	}
	_, e := math.Frexp(a) // a is below 2^e
	exp := max(e-1, 1-f.bias)
	// a in units of its last place; a carry into the exponent adds up by itself
	q := int(math.RoundToEven(math.Ldexp(a, f.mantissa-exp)))
	code := q + (exp+f.bias-1)<<f.mantissa
	if code > int(f.max) {
		return sign | f.overflow
	}
	return sign | byte(code)
}
