package tensor

import "math"

// cast converts values on their way to dtype to, whose class D is. Floating-point
// values are truncated to integers and held within the range of the dtype, NaN
// becoming 0; integers keep their low bits; all but 0 is true.
func cast[D, S number](dst []D, src []S, to DType) {
	switch {
	case to == Bool:
		for i, v := range src {
			dst[i] = 0
			if v != 0 {
				dst[i] = 1
			}
		}
	case isFloat[S]() && !isFloat[D]():
		saturate(dst, src, to)
	case to.class() == singles && to != F32:
		for i, v := range src {
			dst[i] = D(roundToOdd(float64(v)))
		}
	default:
		for i, v := range src {
			dst[i] = D(v)
		}
	}
}

func saturate[D, S number](dst []D, src []S, to DType) {
	bits := 8 * to.Size()
	lo, hi := 0.0, math.Ldexp(1, bits) // the values between fit
	least, most := D(0), ^uint64(0)>>(64-bits)
	if to.class() == signed {
		hi /= 2
		lo, most = -hi, most>>1
		least = D(lo)
	}
	for i, v := range src {
		switch f := float64(v); {
		case f != f:
			dst[i] = 0
		case f <= lo:
			dst[i] = least
		case f >= hi:
			dst[i] = D(most)
		default:
			dst[i] = D(v)
		}
	}
}

// roundToOdd rounds to a float32 whose last bit is set where v lies between
// two. Rounding that once more to a narrower format is the same as rounding v.
func roundToOdd(v float64) float32 {
	f := float32(v)
	r := float64(f)
	if r == v || v != v || math.Float32bits(f)&1 == 1 {
		return f
	}
	away := float32(math.Inf(1))
	if r > v {
		away = -away
	}
	return math.Nextafter32(f, away)
}
