package sched

import (
	"context"
	"math"
	"slices"
)

// limit keeps estimates of x0 in a range, as a configuration asks.
type limit struct {
	clips      bool
	clip       float64 // on both sides of 0
	thresholds bool
	quantile   float64 // that estimates are divided by where it is above 1
	most       float64 // that they are divided by
}

// limit returns how the configuration's class limits estimates. Thresholding
// goes first, where both are on.
func (c *Config) limit() limit {
	reads := accepted(c.Class)
	if c.Thresholding && reads["thresholding"] {
		return limit{thresholds: true, quantile: c.DynamicThresholdingRatio, most: c.SampleMaxValue}
	}
	if c.ClipSample && reads["clip_sample"] {
		return limit{clips: true, clip: c.ClipSampleRange}
	}
	return limit{}
}

// none reports whether it changes nothing.
func (l limit) none() bool { return !l.thresholds && !l.clips }

// within is a sampler on limited estimates.
func within[T Float](l limit, f run[T]) run[T] {
	if l.none() {
		return f
	}
	return func(ctx context.Context, r *Run[T]) error {
		r.limit = l
		return f(ctx, r)
	}
}

// bound limits estimates of a batch of a number of pictures in place.
func bound[T Float](l limit, x0 []T, batch int) {
	if l.clips {
		clamp(x0, T(l.clip))
	}
	if !l.thresholds {
		return
	}
	for picture := range slices.Chunk(x0, max(1, len(x0)/max(1, batch))) {
		s := T(min(max(absoluteQuantile(picture, l.quantile), 1), l.most))
		clamp(picture, s)
		for i := range picture {
			picture[i] /= s
		}
	}
}

func clamp[T Float](x []T, to T) {
	for i, v := range x {
		x[i] = min(max(v, -to), to)
	}
}

// absoluteQuantile returns the quantile of absolute values, between two of them
// in proportion.
func absoluteQuantile[T Float](x []T, q float64) float64 {
	sorted := make([]T, len(x))
	for i, v := range x {
		sorted[i] = T(math.Abs(float64(v)))
	}
	slices.Sort(sorted)
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return float64(sorted[low]) + (at-float64(low))*float64(sorted[high]-sorted[low])
}
