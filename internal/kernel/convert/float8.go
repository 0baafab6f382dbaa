package convert

import "math"

// The 8-bit formats of Micikevicius et al., FP8 Formats for Deep Learning, 2022:
// E5M2 is IEEE 754's layout; E4M3 has no infinities, and only the code of all ones
// is no number.
var (
	e5m2 = float8Table(2, 15, 0x7b, true)
	e4m3 = float8Table(3, 7, 0x7e, false)
)

// float8Table returns the values of all codes of a format with a number of bits of
// mantissa, a bias of the exponent and a largest finite code.
func float8Table(mantissa, bias, largest int, infinities bool) (table [256]float32) {
	for code := range table {
		b := code & 0x7f
		exp, man := b>>mantissa, b&(1<<mantissa-1)
		v := float32(math.NaN())
		switch {
		case b > largest:
			if infinities && man == 0 {
				v = float32(math.Inf(1))
			}
		case exp == 0:
			v = float32(math.Ldexp(float64(man), 1-bias-mantissa))
		default:
			v = float32(math.Ldexp(float64(man+1<<mantissa), exp-bias-mantissa))
		}
		table[code] = math.Float32frombits(uint32(code&0x80)<<24 | math.Float32bits(v))
	}
	return table
}

// F8E5M2ToF32 returns the value of a code.
func F8E5M2ToF32(b uint8) float32 { return e5m2[b] }

// F8E4M3ToF32 returns the value of a code.
func F8E4M3ToF32(b uint8) float32 { return e4m3[b] }
