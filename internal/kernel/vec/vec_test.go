package vec_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
	"github.com/df65613c/easel/internal/kernel/vec"
)

const (
	scale = 0.3
	shift = -1.5
)

// passes are all passes as functions of two operands, with the exact result.
var passes = []struct {
	name     string
	operands int // that count
	apply    func(dst, a, b []float32)
	want     func(a, b float64) float64
}{
	{"Add", 2, vec.Add, func(a, b float64) float64 { return a + b }},
	{"Mul", 2, vec.Mul, func(a, b float64) float64 { return a * b }},
	{"Affine", 1, func(dst, a, _ []float32) { vec.Affine(dst, a, scale, shift) }, func(a, _ float64) float64 { return a*float64(float32(scale)) + shift }},
}

func TestPasses(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			s := kerneltest.NewSource(t, side)
			for _, n := range []int{0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 50, 100, 70_003} {
				a, b, dst := s.Floats(n), s.Floats(n), s.NaNs(n)
				if n > 2 {
					a[n/2], a[n-1], b[n-1] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
				}
				for _, p := range passes {
					p.apply(dst, a, b)
					for i := range dst {
						x, y := float64(a[i]), float64(b[i])
						kerneltest.RequireClose(t, kerneltest.Sum{Value: p.want(x, y), Magnitude: math.Abs(x) + math.Abs(y) + math.Abs(x*y) + 1}, dst[i], 1.2e-7, "%s: %d of %d", p.name, i, n)
					}
					for i, into := range [][]float32{a, b}[:p.operands] {
						other := [][]float32{a, b}
						other[i] = slices.Clone(into)
						p.apply(other[i], other[0], other[1])
						require.Equal(t, bits(dst), bits(other[i]), "%s in place of operand %d", p.name, i)
					}
				}
			}
		}
	})
}

// bits makes NaNs comparable.
func bits(x []float32) []uint32 {
	b := make([]uint32, len(x))
	for i, v := range x {
		b[i] = math.Float32bits(v)
	}
	return b
}

func TestShortOperandsPanic(t *testing.T) {
	v, short := make([]float32, 4), make([]float32, 3)
	require.Panics(t, func() { vec.Add(v, short, v) })
	require.Panics(t, func() { vec.Mul(v, v, short) })
	require.Panics(t, func() { vec.Affine(v, short, 1, 0) })
}

func TestExp(t *testing.T) {
	const least = -87.33654
	var worst float64
	for i := range 1 << 20 {
		x := float32(least * float64(i) / (1 << 20))
		want := math.Exp(float64(x))
		worst = max(worst, math.Abs(float64(vec.Exp(x))-want)/want)
	}
	t.Logf("relative error %.2g", worst)
	require.Less(t, worst, 1.3e-7)
	require.EqualValues(t, 1, vec.Exp(0))
	require.EqualValues(t, 1, vec.Exp(float32(math.Copysign(0, -1))))
	require.EqualValues(t, 1, vec.Exp(-1e-40))
	for _, x := range []float32{-87.4, -104, -1e10, -math.MaxFloat32, float32(math.Inf(-1))} {
		require.Zero(t, vec.Exp(x), "%g", x)
	}
	require.True(t, math.IsNaN(float64(vec.Exp(float32(math.NaN())))))
}
