package convert_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// half describes a 16-bit format by its definition.
type half struct {
	format       convert.Format
	fractionBits int
	bias         int
	widen        func(uint16) float32
	narrow       func(float32) uint16
}

var halves = []half{
	{convert.F16, 10, 15, convert.F16ToF32, convert.F32ToF16},
	{convert.BF16, 7, 127, convert.BF16ToF32, convert.F32ToBF16},
}

func (f half) isNaN(h uint16) bool { return h&0x7fff > f.infinity() }

func (f half) infinity() uint16 { return 0x7fff >> f.fractionBits << f.fractionBits }

// value returns the number that h stands for, with the exponent of infinity
// taken as one more exponent, which is what overflow is measured against.
func (f half) value(h uint16) float64 {
	fraction, exponent := int(h)&(1<<f.fractionBits-1), int(h&0x7fff)>>f.fractionBits
	if exponent == 0 {
		exponent = 1
	} else {
		fraction += 1 << f.fractionBits
	}
	v := math.Ldexp(float64(fraction), exponent-f.bias-f.fractionBits)
	return math.Copysign(v, 0.5-float64(h>>15))
}

func eachHalf(t *testing.T, test func(t *testing.T, f half)) {
	for _, f := range halves {
		t.Run(f.format.String(), func(t *testing.T) { test(t, f) })
	}
}

func TestWideningIsExact(t *testing.T) {
	eachHalf(t, func(t *testing.T, f half) {
		for i := range 1 << 16 {
			h := uint16(i)
			got := float64(f.widen(h))
			switch {
			case f.isNaN(h):
				require.True(t, math.IsNaN(got), "%#x", h)
				require.Equal(t, h>>15 == 1, math.Signbit(got), "%#x", h)
			case h&0x7fff == f.infinity():
				require.Equal(t, math.Inf(1-2*int(h>>15)), got, "%#x", h)
			default:
				require.Equal(t, math.Float64bits(f.value(h)), math.Float64bits(got), "%#x", h)
			}
		}
	})
}

// Around every value and every midpoint between two, narrowing must choose the
// nearest, and the even one of two.
func TestNarrowingIsToNearestEven(t *testing.T) {
	eachHalf(t, func(t *testing.T, f half) {
		for h := uint16(0); h < f.infinity(); h++ {
			here, next := f.value(h), f.value(h+1)
			middle := float32((here + next) / 2) // exact: one bit more than the format has
			even := h + h&1
			for _, sign := range []uint16{0, 0x8000} {
				signed := func(v float32) float32 { return math.Float32frombits(math.Float32bits(v) | uint32(sign)<<16) }
				below, above := math.Nextafter32(middle, 0), math.Nextafter32(middle, math.MaxFloat32)
				require.Equal(t, sign|h, f.narrow(signed(float32(here))), "%#x", h)
				require.Equal(t, sign|even, f.narrow(signed(middle)), "middle above %#x", h)
				require.Equal(t, sign|h, f.narrow(signed(below)), "below the middle above %#x", h)
				require.Equal(t, sign|(h+1), f.narrow(signed(above)), "above the middle above %#x", h)
			}
		}
		inf := float32(math.Inf(1))
		require.Equal(t, f.infinity(), f.narrow(inf))
		require.Equal(t, f.infinity(), f.narrow(math.MaxFloat32))
		require.Equal(t, 0x8000|f.infinity(), f.narrow(-inf))
		require.Zero(t, f.narrow(math.SmallestNonzeroFloat32))
	})
}

func TestNarrowingKeepsNaN(t *testing.T) {
	eachHalf(t, func(t *testing.T, f half) {
		for _, b := range []uint32{0x7f800001, 0x7f801fff, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffc12345} {
			h := f.narrow(math.Float32frombits(b))
			require.True(t, f.isNaN(h), "%#x gives %#x", b, h)
			require.Equal(t, b>>31, uint32(h>>15), "%#x", b)
		}
	})
}

// The slice forms of every instruction set equal the scalar ones bit by bit.
func TestSlicesEqualScalars(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		eachHalf(t, func(t *testing.T, f half) {
			stored := make([]byte, 2<<16)
			for i := range 1 << 16 {
				binary.LittleEndian.PutUint16(stored[2*i:], uint16(i))
			}
			wide := make([]float32, 1<<16)
			convert.ToF32(wide, stored, f.format)
			for i, v := range wide {
				require.Equal(t, math.Float32bits(f.widen(uint16(i))), math.Float32bits(v), "%#x", i)
			}

			values := interesting(f)
			narrow := make([]byte, 2*len(values))
			convert.FromF32(narrow, values, f.format)
			for i, v := range values {
				require.Equal(t, f.narrow(v), binary.LittleEndian.Uint16(narrow[2*i:]), "%#x", math.Float32bits(v))
			}
		})
	})
}

// interesting returns values around the rounding boundaries of a format, and
// random ones, NaNs included.
func interesting(f half) (values []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	for h := range uint16(0x8000) {
		b := math.Float32bits(float32(f.value(h)))
		values = append(values, math.Float32frombits(b), math.Float32frombits(b|0x80000000))
		values = append(values, math.Float32frombits(b+1), math.Float32frombits(b+1<<12), math.Float32frombits(b+1<<15), math.Float32frombits(r.Uint32()))
	}
	return values
}

func TestF32IsCopied(t *testing.T) {
	want := []float32{1, -0.5, float32(math.Inf(1)), 3e-45}
	stored, got := make([]byte, 16), make([]float32, 4)
	convert.FromF32(stored, want, convert.F32)
	require.Equal(t, []byte{0, 0, 0x80, 0x3f}, stored[:4])
	convert.ToF32(got, stored, convert.F32)
	require.Equal(t, want, got)
}

func TestLengths(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			for _, f := range []convert.Format{convert.F32, convert.F16, convert.BF16} {
				for n := range 70 {
					t.Run(fmt.Sprint(side, f, n), func(t *testing.T) {
						wide, narrow, back := guard.Floats(t, n, side), guard.Bytes(t, n*f.Size(), side), guard.Floats(t, n, side)
						for i := range wide {
							wide[i] = float32(i) - 30
						}
						convert.FromF32(narrow, wide, f)
						convert.ToF32(back, narrow, f)
						require.Equal(t, wide, back)
					})
				}
			}
		}
	})
}

func TestBadArgumentsPanic(t *testing.T) {
	require.Panics(t, func() { convert.ToF32(make([]float32, 2), make([]byte, 3), convert.F16) })
	require.Panics(t, func() { convert.FromF32(make([]byte, 3), make([]float32, 2), convert.BF16) })
	require.Panics(t, func() { convert.ToF32(make([]float32, 2), make([]byte, 8), convert.Format(9)) })
}
