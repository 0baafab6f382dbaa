package guidance

import (
	"math"
	"slices"

	"github.com/df65613c/easel/sched"
)

// Threshold is the dynamic thresholding of Imagen (Saharia et al. 2022, section
// 2.3): estimates of x0 are limited to the percentile, 0 to 1, of their
// absolute values, and divided by it if it exceeds 1. It fits models whose x0
// lies within -1 to 1; for latents see Mimic.
func Threshold[T sched.Float](percentile float64, guide Guide[T]) Guide[T] {
	var sizes []T
	return func(dst []T, s *Sides[T]) {
		guide(dst, s)
		s.estimate(dst)
		sizes = append(sizes[:0], dst...)
		bound := quantile(sizes, percentile)
		compress(dst, 0, max(bound, 1), 1)
		s.output(dst)
	}
}

// Mimic is dynamic thresholding for latents. In each channel, the distances of
// the estimate of x0 from its mean are limited to their percentile, 0 to 1, and
// scaled down to the range that guidance with a lower scale has.
func Mimic[T sched.Float](scale, percentile float64, guide Guide[T]) Guide[T] {
	var low, sizes []T
	return func(dst []T, s *Sides[T]) {
		if low == nil {
			low = make([]T, len(dst))
		}
		mild := *s
		mild.Scale = min(scale, s.Scale)
		CFG(low, &mild) // before guide, which may overwrite the negative side
		s.estimate(low)
		guide(dst, s)
		s.estimate(dst)
		n := len(dst) / s.Channels
		for from := 0; from < len(dst); from += n {
			high, low := dst[from:from+n], low[from:from+n]
			center, reach := mean(high), reach(low)
			sizes = sizes[:0]
			for _, v := range high {
				sizes = append(sizes, v-T(center))
			}
			compress(high, center, max(quantile(sizes, percentile), reach), reach)
		}
		s.output(dst)
	}
}

// reach is how far numbers lie from their mean, at most.
func reach[T sched.Float](v []T) (r float64) {
	m := mean(v)
	for _, x := range v {
		r = max(r, math.Abs(float64(x)-m))
	}
	return r
}

// compress cuts numbers at a distance from the center and scales that down to another.
func compress[T sched.Float](v []T, center, from, to float64) {
	if from == 0 {
		return
	}
	c, bound, f := T(center), T(from), T(to/from)
	for i, x := range v {
		v[i] = c + min(max(x-c, -bound), bound)*f
	}
}

// quantile returns a quantile of the sizes of numbers, which it overwrites,
// linearly between the two nearest.
func quantile[T sched.Float](v []T, q float64) float64 {
	for i, x := range v {
		v[i] = max(x, -x)
	}
	slices.Sort(v)
	at := q * float64(len(v)-1)
	i := min(int(at), max(len(v)-2, 0))
	lo, hi := float64(v[i]), float64(v[min(i+1, len(v)-1)])
	return lo + (at-float64(i))*(hi-lo)
}
