package act_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/act"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

var inPlace = []struct {
	name  string
	apply func(x []float32)
	want  func(x float64) float64
}{
	{"SiLU", act.SiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
	{"QuickGELU", act.QuickGELU, func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) }},
	{"GELU", act.GELU, gelu},
	{"GELUTanh", act.GELUTanh, func(x float64) float64 { return x / (1 + math.Exp(-math.Sqrt(8/math.Pi)*(x+0.044715*x*x*x))) }},
}

func gelu(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }

// everywhere returns values of every magnitude and sign, dense where the
// functions bend.
func everywhere() (x []float32) {
	for bits := uint32(0); bits < 0x7f800000; bits += 8111 {
		x = append(x, math.Float32frombits(bits), math.Float32frombits(1<<31|bits))
	}
	for i := range 1 << 17 {
		x = append(x, float32(i-1<<16)/(1<<12)) // -16 to 16
	}
	return x
}

func TestAccuracy(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		in := everywhere()
		for _, f := range inPlace {
			t.Run(f.name, func(t *testing.T) {
				x := append([]float32(nil), in...)
				f.apply(x)
				requireAccurate(t, in, x, f.want)
			})
		}
		t.Run("GEGLU", func(t *testing.T) {
			x, a := make([]float32, len(in)), make([]float32, len(in))
			for i := range a {
				a[i] = 0.5
			}
			act.GEGLU(x, a, in)
			requireAccurate(t, in, x, func(x float64) float64 { return gelu(x) / 2 })
		})
	})
}

// requireAccurate holds the error to a few roundings of the argument.
func requireAccurate(t *testing.T, in, got []float32, want func(float64) float64) {
	t.Helper()
	var worst float64
	at := 0
	for i, v := range in {
		x := float64(v)
		if x == 0 {
			require.Zero(t, got[i])
			continue
		}
		// Below the least normal number there are no relative errors.
		e := max(0, math.Abs(float64(got[i])-want(x))-1.5e-45) / math.Abs(want(math.Abs(x)))
		if !(e <= worst) {
			worst, at = e, i
		}
	}
	t.Logf("error %.2g of the result for |x|, at %g", worst, in[at])
	require.LessOrEqual(t, worst, 2e-7, "at %g: %g, want %g", in[at], got[at], want(float64(in[at])))
}

func TestNaNAndInf(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cputest.EachLevel(t, func(t *testing.T) {
		for _, f := range inPlace {
			for place := range 37 {
				x := make([]float32, 37)
				for _, bad := range []float32{nan, -inf} {
					x[place] = bad
					f.apply(x)
					for i, v := range x { // -Inf times 0
						require.Equal(t, i == place, math.IsNaN(float64(v)), "%s of %g at %d: %v", f.name, bad, place, x)
					}
				}
				x[place] = inf
				f.apply(x)
				require.Equal(t, inf, x[place], f.name)
			}
		}
		dst := make([]float32, 4)
		act.GEGLU(dst, []float32{nan, 1, 1, inf}, []float32{1, nan, -inf, 1})
		for i := range 3 {
			require.True(t, math.IsNaN(float64(dst[i])), "%d", i)
		}
		require.Equal(t, inf, dst[3])
	})
}

// A value's result must not depend on where in a slice it is, and nothing
// outside of a slice may be touched.
func TestLengths(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			s := kerneltest.NewSource(t, side)
			long := s.Floats(100)
			for n := range 70 {
				for _, f := range inPlace {
					want := append([]float32(nil), long...)
					f.apply(want)
					x := guard.Floats(t, n, side)
					copy(x, long[3:])
					f.apply(x)
					require.Equal(t, want[3:3+n], append([]float32{}, x...), "%s of %d", f.name, n)
				}
				want := make([]float32, 100)
				act.GEGLU(want, long, long)
				a, b, dst := guard.Floats(t, n, side), guard.Floats(t, n, side), s.NaNs(n)
				copy(a, long[3:])
				copy(b, long[3:])
				act.GEGLU(dst, a, b)
				require.Equal(t, want[3:3+n], append([]float32{}, dst...), "GEGLU of %d", n)
				act.GEGLU(b, a, b)
				require.Equal(t, dst, b, "GEGLU of %d in place", n)
			}
		}
	})
}

// More than one call of assembly.
func TestLongSlices(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		x := kerneltest.NewSource(t, guard.Back).Floats(100_001)
		dst := make([]float32, len(x))
		act.GEGLU(dst, x, x)
		for i, v := range x {
			require.InDelta(t, float64(v)*gelu(float64(v)), dst[i], 4e-7*float64(v*v)+1e-12)
		}
	})
}

func TestShortOperandsPanic(t *testing.T) {
	v := make([]float32, 4)
	require.Panics(t, func() { act.GEGLU(v, v[:3:3], v) })
	require.Panics(t, func() { act.GEGLU(v, v, v[:3:3]) })
}
