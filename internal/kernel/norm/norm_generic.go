package norm

import "github.com/df65613c/easel/internal/kernel/act"

var generic = kernels{moments: momentsGeneric, normalise: normaliseGeneric, apply: applyGeneric, applySiLU: applySiLUGeneric}

// momentsGeneric has two pairs of sums, for additions need not wait for the last one.
func momentsGeneric(x []float32, shift float64) Moments {
	var sum, sq [2]float64
	for ; len(x) >= 2; x = x[2:] {
		a, b := float64(x[0])-shift, float64(x[1])-shift
		sum[0] += a
		sum[1] += b
		sq[0] += a * a
		sq[1] += b * b
	}
	for _, v := range x {
		a := float64(v) - shift
		sum[0] += a
		sq[0] += a * a
	}
	return Moments{sum[0] + sum[1], sq[0] + sq[1]}
}

func normaliseGeneric(dst, x, scale, shift []float32, mean, inv float32) {
	dst, scale, shift = dst[:len(x)], scale[:len(x)], shift[:len(x)]
	for i, v := range x {
		dst[i] = (v-mean)*inv*scale[i] + shift[i]
	}
}

func groupMomentsGeneric(m []Moments, rows []float32, c int) {
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
			m[g].add(Moments{sum, sq})
		}
	}
}

func applyGeneric(dst, x, mul, add []float32, rows int) {
	c := len(mul)
	for ; rows > 0; rows-- {
		affineRow(dst[:c], x[:c], mul, add)
		dst, x = dst[c:], x[c:]
	}
}

func applySiLUGeneric(dst, x, mul, add []float32, rows int) {
	c := len(mul)
	for ; rows > 0; rows-- {
		affineRow(dst[:c], x[:c], mul, add)
		act.SiLU(dst[:c])
		dst, x = dst[c:], x[c:]
	}
}

func affineRow(dst, x, mul, add []float32) {
	x, mul, add = x[:len(dst)], mul[:len(dst)], add[:len(dst)]
	for i := range dst {
		dst[i] = x[i]*mul[i] + add[i]
	}
}
