// Package kerneltest makes operands for the tests of kernels and judges their
// results.
package kerneltest

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// Formats lists the formats that weights may have.
var Formats = []convert.Format{convert.F32, convert.F16, convert.BF16}

// Source makes operands from one stream of random numbers, each against a guard
// page at the given side.
type Source struct {
	testing.TB
	*rand.Rand
	guard.Side
}

// NewSource returns a source that makes the same operands every time.
func NewSource(t testing.TB, side guard.Side) *Source {
	return &Source{TB: t, Rand: rand.New(rand.NewPCG(1, 2)), Side: side}
}

// Floats returns n values from a normal distribution.
func (s *Source) Floats(n int) []float32 {
	v := guard.Floats(s.TB, n, s.Side)
	for i := range v {
		v[i] = float32(s.NormFloat64())
	}
	return v
}

// NaNs returns n values that a kernel has to overwrite.
func (s *Source) NaNs(n int) []float32 {
	v := guard.Floats(s.TB, n, s.Side)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// Scratch returns n bytes of which every float32 is NaN.
func (s *Source) Scratch(n int) []byte {
	b := guard.Bytes(s.TB, n, s.Side)
	for i := range b {
		b[i] = 0xff
	}
	return b
}

// Weights returns n values from a normal distribution, in a format, and what
// they are in float32.
func (s *Source) Weights(n int, f convert.Format) (stored []byte, values []float32) {
	stored, values = guard.Bytes(s.TB, n*f.Size(), s.Side), make([]float32, n)
	for i := range values {
		values[i] = float32(s.NormFloat64())
	}
	convert.FromF32(stored, values, f)
	convert.ToF32(values, stored, f)
	return stored, values
}

// ReadOnly returns n values in a format that is only read, and what they are in float32.
func (s *Source) ReadOnly(n int, f convert.Format) (stored []byte, values []float32) {
	stored, values = guard.Bytes(s.TB, n*f.Size(), s.Side), make([]float32, n)
	for i := range n {
		if f == convert.F64 {
			binary.LittleEndian.PutUint64(stored[8*i:], math.Float64bits(s.NormFloat64()))
			continue
		}
		code := byte(s.Uint32())
		if code&0x78 == 0x78 { // large, infinite or no number
			code &^= 0x40
		}
		stored[i] = code
	}
	convert.ToF32(values, stored, f)
	return stored, values
}

// BF16 returns v in bfloat16.
func (s *Source) BF16(v []float32) []uint16 {
	b := guard.Bytes(s.TB, 2*len(v), s.Side)
	convert.FromF32(b, v, convert.BF16)
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), len(v))
}

// Rounded returns v with its values rounded to bfloat16.
func Rounded(v []float32) []float32 {
	r := make([]float32, len(v))
	for i, x := range v {
		r[i] = convert.BF16ToF32(convert.F32ToBF16(x))
	}
	return r
}

// Widened returns the values of v.
func Widened(v []uint16) []float32 {
	w := make([]float32, len(v))
	for i, x := range v {
		w[i] = convert.BF16ToF32(x)
	}
	return w
}

// RequireCloseBF16 fails unless got is want up to rounding to bfloat16 and tol
// of the magnitude of its terms, or both are NaN, or both the same infinity.
func RequireCloseBF16(t testing.TB, want Sum, got float32, tol float64, msg string, args ...any) {
	t.Helper()
	const half = 1.001 / (1 << 8) // of a unit in the last place, and that of a sum that is a little off
	want.Magnitude += math.Abs(want.Value) * half / tol
	RequireClose(t, want, got, tol, msg, args...)
}

// Sum is a float64 sum that knows the sum of its terms' magnitudes.
type Sum struct{ Value, Magnitude float64 }

// Add adds a term.
func (s *Sum) Add(v float64) {
	s.Value += v
	s.Magnitude += math.Abs(v)
}

// RequireClose fails unless got is want up to tol of the magnitude of its
// terms, or both are NaN, or both are the same infinity.
func RequireClose(t testing.TB, want Sum, got float32, tol float64, msg string, args ...any) {
	t.Helper()
	g := float64(got)
	switch {
	case math.IsNaN(want.Value):
		require.Truef(t, math.IsNaN(g), "want NaN, got %g: "+msg, append([]any{g}, args...)...)
	case math.IsInf(want.Value, 0):
		require.Equalf(t, want.Value, g, msg, args...)
	case !(math.Abs(g-want.Value) <= tol*want.Magnitude):
		require.Failf(t, "not close", "want %g, got %g: "+msg, append([]any{want.Value, g}, args...)...)
	}
}

// ReportFLOPs reports the rate of a benchmark whose every round does the given
// floating-point operations.
func ReportFLOPs(b *testing.B, operations float64) {
	b.ReportMetric(operations*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
