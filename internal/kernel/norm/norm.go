// Package norm holds the normalisations of the networks, over float32 rows.
// Sums are in float64, so that a large image loses nothing to rounding.
package norm

import "math"

// Layer sets dst to the row x normalised to mean 0 and variance 1, times
// scale plus shift. dst may be x.
func Layer(dst, x, scale, shift []float32, eps float32) {
	var sum float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / float64(len(x))
	var sq float64
	for _, v := range x {
		d := float64(v) - mean
		sq += d * d
	}
	inv := float32(1 / math.Sqrt(sq/float64(len(x))+float64(eps)))
	m := float32(mean)
	dst, scale, shift = dst[:len(x)], scale[:len(x)], shift[:len(x)]
	for i, v := range x {
		dst[i] = (v-m)*inv*scale[i] + shift[i]
	}
}

// Moments is the sum and the sum of squares of a group's elements.
type Moments struct{ Sum, Sq float64 }

// GroupMoments sets m[g] to the moments of group g over rows of c channels,
// c a multiple of len(m).
func GroupMoments(m []Moments, rows []float32, c int) {
	clear(m)
	size := c / len(m)
	for ; len(rows) >= c; rows = rows[c:] {
		for g := range m {
			var sum, sq float64
			for _, v := range rows[g*size : (g+1)*size] {
				f := float64(v)
				sum += f
				sq += f * f
			}
			m[g].Sum += sum
			m[g].Sq += sq
		}
	}
}

// GroupAffine turns the moments of a group of n elements, in parts, into the
// factor and the term of each of its channels, so that normalising, scaling
// and shifting is x*mul + add.
func GroupAffine(mul, add, scale, shift []float32, parts []Moments, stride, n int, eps float32) {
	var sum, sq float64
	for i := 0; i < len(parts); i += stride {
		sum += parts[i].Sum
		sq += parts[i].Sq
	}
	mean := sum / float64(n)
	variance := max(sq/float64(n)-mean*mean, 0)
	inv := 1 / math.Sqrt(variance+float64(eps))
	for i := range mul {
		f := inv * float64(scale[i])
		mul[i] = float32(f)
		add[i] = float32(float64(shift[i]) - mean*f)
	}
}

// Apply sets dst[r][i] = x[r][i]*mul[i] + add[i] for each row of len(mul). dst may be x.
func Apply(dst, x, mul, add []float32) {
	c := len(mul)
	add = add[:c]
	for ; len(x) >= c; x, dst = x[c:], dst[c:] {
		xr, dr := x[:c], dst[:c]
		for i, v := range xr {
			dr[i] = v*mul[i] + add[i]
		}
	}
}
