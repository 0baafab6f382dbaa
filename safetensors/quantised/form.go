package quantised

import (
	"math"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/tensor"
)

// blockSize is the numbers of a row that share a scale in q8 and q4.
const blockSize = convert.BlockSize

// form is the stored form of a tensor in a scheme.
type form struct {
	dtype, scaleType tensor.DType
	// scale returns the scale of some numbers, which scaleType has.
	scale func(values []float32) float32
	// quantise sets dst to the numbers that stand for values under a scale.
	quantise func(dst []byte, values []float32, scale float32)
}

var forms = map[Scheme]form{
	Int8: {tensor.I8, tensor.F32, func(v []float32) float32 { return greatest(v) / 127 }, toI8},
	Q8:   {tensor.I8, tensor.F16, func(v []float32) float32 { return half(greatest(v) / 127) }, toI8},
	Q4:   {tensor.F4, tensor.F16, bestF4, toF4},
}

func (f form) scaleShape(n, k int) tensor.Shape {
	if f.scaleType == tensor.F32 {
		return tensor.Shape{n}
	}
	return tensor.Shape{n, k / blockSize}
}

// half returns the nearest binary16, and the greatest of what is too large.
func half(v float32) float32 { return min(convert.F16ToF32(convert.F32ToF16(v)), 65504) }

func greatest(values []float32) (most float32) {
	for _, v := range values {
		most = max(most, float32(math.Abs(float64(v))))
	}
	return most
}

// inverse returns what values are multiplied by: 0 where they are next to nothing.
func inverse(scale float32) float32 {
	if scale < 1e-30 {
		return 0
	}
	return 1 / scale
}

func toI8(dst []byte, values []float32, scale float32) {
	by := inverse(scale)
	for i, v := range values {
		q := math.RoundToEven(float64(v * by))
		dst[i] = byte(int8(max(-127, min(127, q))))
	}
}

// nearestF4 are the lower bits of the E2M1 nearest to a magnitude, by quarters
// of it: where the nearest changes is at whole quarters.
var nearestF4 = func() (codes [25]uint8) {
	for i := range codes {
		middle, best := (float32(i)+0.5)/4, uint8(0)
		for code := range uint8(8) {
			if d := convert.F4ToF32(code) - middle; math.Abs(float64(d)) < math.Abs(float64(convert.F4ToF32(best)-middle)) {
				best = code
			}
		}
		codes[i] = best
	}
	return codes
}()

// codeF4 returns the E2M1 nearest to v.
func codeF4(v float32) uint8 {
	sign := uint8(0)
	if v < 0 {
		v, sign = -v, 8
	}
	return nearestF4[min(int(4*v), len(nearestF4)-1)] | sign
}

func toF4(dst []byte, values []float32, scale float32) {
	by := inverse(scale)
	for i := 0; i < len(values); i += 2 {
		dst[i/2] = codeF4(values[i]*by) | codeF4(values[i+1]*by)<<4
	}
}

// bestF4 tries scales from where the greatest number is the greatest E2M1, 6, to
// where it is 4, and returns the one with the least squared error.
func bestF4(values []float32) (best float32) {
	const candidates = 8
	most, least := greatest(values), math.Inf(1)
	for i := range candidates {
		scale := half(most / (6 - 2*float32(i)/(candidates-1)))
		by, sum := inverse(scale), 0.0
		for _, v := range values {
			d := float64(v - convert.F4ToF32(codeF4(v*by))*scale)
			sum += d * d
		}
		if sum < least {
			best, least = scale, sum
		}
	}
	return best
}
