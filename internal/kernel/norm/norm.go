// Package norm holds the normalisations of the networks, over float32 rows.
// Sums are in float64, so that a large image loses nothing to rounding.
package norm

import "math"

// kernels are the loops for one instruction set. No slice is empty.
type kernels struct {
	// moments returns the sums of x-shift and its square. The length of x is a
	// multiple of lanes.
	moments func(x []float32, shift float64) Moments

	// normalise sets dst[i] = (x[i]-mean)*inv*scale[i] + shift[i].
	normalise func(dst, x, scale, shift []float32, mean, inv float32)

	// apply and applySiLU are Apply and ApplySiLU for a number of rows.
	apply, applySiLU func(dst, x, mul, add []float32, rows int)
}

const (
	lanes   = 16
	callLen = 1 << 15 // values a call, as assembly can't be preempted
)

// Layer sets dst to the row x normalised to mean 0 and variance 1, times
// scale plus shift. dst may be x.
func Layer(dst, x, scale, shift []float32, eps float32) {
	if len(x) == 0 {
		return
	}
	k := current()
	// The first value is near enough to the mean for the squares to lose nothing.
	near, n := float64(x[0]), float64(len(x))
	m := k.rowMoments(x, near)
	off := m.Sum / n
	inv := 1 / math.Sqrt(max(m.Sq/n-off*off, 0)+float64(eps))
	for dst, scale, shift = dst[:len(x)], scale[:len(x)], shift[:len(x)]; len(x) > 0; {
		n := min(callLen, len(x))
		k.normalise(dst[:n], x[:n], scale[:n], shift[:n], float32(near+off), float32(inv))
		dst, x, scale, shift = dst[n:], x[n:], scale[n:], shift[n:]
	}
}

// rowMoments returns the moments of x-shift, for x of any length.
func (k *kernels) rowMoments(x []float32, shift float64) (m Moments) {
	for len(x) >= lanes {
		n := min(callLen, len(x)/lanes*lanes)
		m.add(k.moments(x[:n], shift))
		x = x[n:]
	}
	m.add(momentsGeneric(x, shift))
	return m
}

// Moments is the sum and the sum of squares of a group's elements.
type Moments struct{ Sum, Sq float64 }

func (m *Moments) add(n Moments) {
	m.Sum += n.Sum
	m.Sq += n.Sq
}

// GroupMoments sets m[g] to the moments of group g over rows of c channels,
// c a multiple of len(m).
func GroupMoments(m []Moments, rows []float32, c int) { groupMoments(m, rows, c) }

// GroupAffine turns the moments of a group of n elements, in parts, into the
// factor and the term of each of its channels, so that normalising, scaling
// and shifting is x*mul + add.
func GroupAffine(mul, add, scale, shift []float32, parts []Moments, stride, n int, eps float32) {
	var m Moments
	for i := 0; i < len(parts); i += stride {
		m.add(parts[i])
	}
	mean := m.Sum / float64(n)
	variance := max(m.Sq/float64(n)-mean*mean, 0)
	inv := 1 / math.Sqrt(variance+float64(eps))
	for i := range mul {
		f := inv * float64(scale[i])
		mul[i] = float32(f)
		add[i] = float32(float64(shift[i]) - mean*f)
	}
}

// Apply sets dst[r][i] = x[r][i]*mul[i] + add[i] for each row of len(mul). dst may be x.
func Apply(dst, x, mul, add []float32) { eachRow(current().apply, dst, x, mul, add) }

// ApplySiLU sets dst[r][i] = silu(x[r][i]*mul[i] + add[i]) for each row of
// len(mul). dst may be x.
func ApplySiLU(dst, x, mul, add []float32) { eachRow(current().applySiLU, dst, x, mul, add) }

func eachRow(apply func(dst, x, mul, add []float32, rows int), dst, x, mul, add []float32) {
	c := len(mul)
	add = add[:c]
	most := max(1, callLen/c)
	for rows := len(x) / c; rows > 0; {
		n := min(most, rows)
		apply(dst[:n*c], x[:n*c], mul, add, n)
		dst, x, rows = dst[n*c:], x[n*c:], rows-n
	}
}
