package convert_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// f4 is the value of four bits by the definition of E2M1.
func f4(b uint8) float32 {
	exponent, fraction := int(b>>1&3), float64(b&1)/2
	v := fraction // subnormal
	if exponent > 0 {
		v = math.Ldexp(1+fraction, exponent-1)
	}
	return float32(math.Copysign(v, 0.5-float64(b>>3&1)))
}

func TestF4(t *testing.T) {
	for b := range uint8(16) {
		require.Equal(t, math.Float32bits(f4(b)), math.Float32bits(convert.F4ToF32(b)), "%#x", b)
	}
}

// TestRowsOfQuantisedWeights reads parts of rows that begin and end anywhere.
func TestRowsOfQuantisedWeights(t *testing.T) {
	const n, k = 3, 192
	r := rand.New(rand.NewPCG(1, 2))
	numbers, scales := make([]byte, n*k), make([]uint16, n*k/convert.BlockSize)
	for i := range numbers {
		numbers[i] = byte(r.Uint32())
	}
	for i := range scales {
		scales[i] = uint16(r.Uint32())
	}
	scales[1], scales[7] = 0x7c00, 0x7e00 // infinity, NaN
	rows := []float32{0.25, float32(math.Inf(1)), -3}
	for name, c := range map[string]struct {
		convert.Format
		convert.Scales
		bytes int
		value func(row, column int) float32
	}{
		"rows": {convert.I8, convert.Scales{Rows: rows}, n * k, func(row, i int) float32 { return float32(int8(numbers[row*k+i])) * rows[row] }},
		"blocks": {convert.I8, convert.Scales{Blocks: scales}, n * k, func(row, i int) float32 {
			return float32(int8(numbers[row*k+i])) * convert.F16ToF32(scales[(row*k+i)/32])
		}},
		"F4": {convert.F4, convert.Scales{Blocks: scales}, n * k / 2, func(row, i int) float32 {
			at := row*k + i
			return f4(numbers[at/2]>>(4*(at%2))&15) * convert.F16ToF32(scales[at/32])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cputest.EachLevel(t, func(t *testing.T) {
				for _, side := range guard.Sides {
					stored := guard.Bytes(t, c.bytes, side)
					copy(stored, numbers)
					for row := range n {
						for from := 0; from < k; from += 7 {
							for _, length := range []int{0, 1, 16, 31, 32, 33, 100, k - from} {
								length = min(length, k-from)
								dst := guard.Floats(t, length, side)
								c.Row(dst, unsafe.Pointer(&stored[0]), c.Format, k, row, from)
								for i, v := range dst {
									want := c.value(row, from+i)
									same := math.Float32bits(want) == math.Float32bits(v) || want != want && v != v
									require.True(t, same, fmt.Sprintf("row %d, column %d: want %g, got %g", row, from+i, want, v))
								}
							}
						}
					}
				}
			})
		})
	}
}
