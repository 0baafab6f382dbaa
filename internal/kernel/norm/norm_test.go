package norm_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
	"github.com/df65613c/easel/internal/kernel/norm"
)

func eachSide(t *testing.T, f func(t *testing.T, s *kerneltest.Source)) {
	cputest.EachLevel(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			t.Run(side.String(), func(t *testing.T) { f(t, kerneltest.NewSource(t, side)) })
		}
	})
}

// shifted returns n values from a normal distribution around a mean.
func shifted(s *kerneltest.Source, n int, mean float32) []float32 {
	x := s.Floats(n)
	for i := range x {
		x[i] += mean
	}
	return x
}

// moments returns the mean and the variance of x.
func moments(x []float32) (mean, variance float64) {
	for _, v := range x {
		mean += float64(v) / float64(len(x))
	}
	for _, v := range x {
		variance += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
	}
	return mean, variance
}

func TestLayer(t *testing.T) {
	const eps = 1e-5
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, n := range []int{1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 77, 640, 1280, 40_007} {
			x, scale, shift, dst := shifted(s, n, 3), s.Floats(n), s.Floats(n), s.NaNs(n)
			norm.Layer(dst, x, scale, shift, eps)
			mean, variance := moments(x)
			inv := 1 / math.Sqrt(variance+eps)
			for i, v := range x {
				var want kerneltest.Sum
				want.Add(float64(v) * inv * float64(scale[i]))
				want.Add(-mean * inv * float64(scale[i]))
				want.Add(float64(shift[i]))
				kerneltest.RequireClose(t, want, dst[i], 2e-7, "%d of %d", i, n)
			}
			norm.Layer(x, x, scale, shift, eps)
			require.Equal(t, dst, x, "in place")
		}
		norm.Layer(nil, nil, nil, nil, eps)
	})
}

// The variance of values that are nearly alike must survive their mean.
func TestLayerOfNearlyConstantRows(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		x, dst, ones, zeros := s.Floats(1000), s.NaNs(1000), s.Floats(1000), guard.Floats(t, 1000, s.Side)
		for i := range x {
			x[i], ones[i] = 4096+float32(i%2)/1024, 1
		}
		norm.Layer(dst, x, ones, zeros, 0)
		for i, v := range dst {
			require.InDelta(t, 2*float64(i%2)-1, v, 1e-6)
		}
		for i := range x {
			x[i] = 0.1
		}
		norm.Layer(dst, x, ones, zeros, 1e-5)
		for _, v := range dst {
			require.InDelta(t, 0, v, 1e-5)
		}
	})
}

func TestGroupMoments(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, c := range []struct{ rows, groups, size int }{
			{1, 1, 1}, {3, 1, 5}, {5, 3, 1}, {7, 5, 3}, {9, 32, 10}, {4, 32, 20}, {3, 32, 30}, {2, 32, 40},
			{6, 4, 4}, {6, 4, 8}, {6, 1, 16}, {6, 1, 17}, {6, 1, 31}, {6, 2, 32}, {6, 3, 33}, {2, 1, 100},
		} {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
				ch := c.groups * c.size
				x := shifted(s, c.rows*ch, 2)
				got := make([]norm.Moments, c.groups)
				for i := range got {
					got[i] = norm.Moments{Sum: 7, Sq: math.NaN()} // to be overwritten
				}
				norm.GroupMoments(got, x, ch)
				for g, m := range got {
					var sum, sq float64
					for r := range c.rows {
						for _, v := range x[r*ch+g*c.size:][:c.size] {
							sum += float64(v)
							sq += float64(v) * float64(v)
						}
					}
					require.InDelta(t, sum, m.Sum, 1e-12*sq)
					require.InEpsilon(t, sq, m.Sq, 1e-12)
				}
			})
		}
		m := []norm.Moments{{Sum: 1, Sq: 1}}
		norm.GroupMoments(m, nil, 8)
		require.Zero(t, m[0])
	})
}

func TestGroupMomentsDoNotAllocate(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		x, m := make([]float32, 40*77), make([]norm.Moments, 11)
		require.Zero(t, testing.AllocsPerRun(10, func() { norm.GroupMoments(m, x, 77) }))
	})
}

func TestGroupAffine(t *testing.T) {
	const eps = 1e-5
	s := kerneltest.NewSource(t, guard.Back)
	x, scale, shift := shifted(s, 300, 5), s.Floats(3), s.Floats(3)
	parts := make([]norm.Moments, 4) // two parts of two groups
	norm.GroupMoments(parts[1:2], x[:120], 3)
	norm.GroupMoments(parts[3:4], x[120:], 3)
	mul, add := make([]float32, 3), make([]float32, 3)
	norm.GroupAffine(mul, add, scale, shift, parts[1:], 2, len(x), eps)
	mean, variance := moments(x)
	for i := range mul {
		f := float64(scale[i]) / math.Sqrt(variance+eps)
		require.InEpsilon(t, f, mul[i], 1e-7)
		require.InDelta(t, float64(shift[i])-mean*f, add[i], 1e-6)
	}
}

var applies = []struct {
	name  string
	apply func(dst, x, mul, add []float32)
	want  func(x float64) float64
}{
	{"plain", norm.Apply, func(x float64) float64 { return x }},
	{"SiLU", norm.ApplySiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
}

func TestApply(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, f := range applies {
			for _, c := range []struct{ rows, ch int }{{1, 1}, {5, 3}, {4, 8}, {3, 15}, {3, 16}, {3, 17}, {2, 40}, {2, 320}, {350, 101}, {1, 40_001}, {0, 5}} {
				x, mul, add, dst := s.Floats(c.rows*c.ch), s.Floats(c.ch), s.Floats(c.ch), s.NaNs(c.rows*c.ch)
				f.apply(dst, x, mul, add)
				for i, v := range x {
					a, b := float64(v)*float64(mul[i%c.ch]), float64(add[i%c.ch])
					require.InDelta(t, f.want(a+b), dst[i], 3e-7*(math.Abs(a)+math.Abs(b)), "%s: %d of %+v", f.name, i, c)
				}
				f.apply(x, x, mul, add)
				require.Equal(t, dst, x, "in place")
			}
		}
	})
}

func TestNaNAndInf(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		const c = 45
		for _, bad := range []float32{nan, inf, -inf} {
			for place := range c {
				x, ones, dst := s.Floats(2*c), s.Floats(c), s.NaNs(2*c)
				for i := range ones {
					ones[i] = 1
				}
				x[c+place] = bad
				m := make([]norm.Moments, 3)
				norm.GroupMoments(m, x, c)
				for g, v := range m {
					require.Equal(t, g == place/15, math.IsNaN(v.Sq) || math.IsInf(v.Sq, 1), "%g at %d", bad, place)
				}
				for _, f := range applies {
					f.apply(dst, x, ones, ones)
					for i, v := range dst {
						if i != c+place {
							require.InDelta(t, f.want(float64(x[i])+1), v, 1e-5, "%g at %d", bad, place)
							continue
						}
						want := f.want(float64(bad))
						require.True(t, float64(v) == want || math.IsNaN(want) && math.IsNaN(float64(v)), "%s of %g is %g", f.name, bad, v)
					}
				}
				norm.Layer(dst[:c], x[c:], ones, ones, 1e-5)
				for _, v := range dst[:c] {
					require.True(t, math.IsNaN(float64(v)), "%g at %d", bad, place)
				}
			}
		}
	})
}

func TestShortOperandsPanic(t *testing.T) {
	v, short := make([]float32, 4), make([]float32, 3)
	for name, f := range map[string]func(){
		"Layer dst":     func() { norm.Layer(short, v, v, v, 0) },
		"Layer scale":   func() { norm.Layer(v, v, short, v, 0) },
		"Layer shift":   func() { norm.Layer(v, v, v, short, 0) },
		"Apply dst":     func() { norm.Apply(short, v, v, v) },
		"Apply add":     func() { norm.Apply(v, v, v, short) },
		"ApplySiLU dst": func() { norm.ApplySiLU(short, v, v, v) },
	} {
		require.Panics(t, f, name)
	}
}
