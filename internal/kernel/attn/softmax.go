package attn

import "github.com/df65613c/easel/internal/kernel/vec"

// softmax is the part of the work that is not a matrix product, for one
// instruction set. Slices are a multiple of lanes long.
type softmax struct {
	// max returns the greatest of x. If some are NaN, it is the greatest of
	// the others or NaN.
	max func(x []float32) float32

	// exp sets x[i] to exp(scale*(x[i]-shift)), where the argument must not be
	// positive, and returns their sum. Results below the least normal number
	// may be 0.
	exp func(x []float32, shift, scale float32) (sum float32)
}

var genericSoftmax = softmax{max: maxGeneric, exp: expGeneric}

func maxGeneric(x []float32) float32 {
	m := x[0]
	for _, v := range x[1:] {
		m = max(m, v)
	}
	return m
}

func expGeneric(x []float32, shift, scale float32) float32 {
	var sum [lanes]float32
	for i, v := range x {
		v = vec.Exp((v - shift) * scale)
		x[i] = v
		sum[i%lanes] += v
	}
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			sum[i] += sum[i+n]
		}
	}
	return sum[0]
}
