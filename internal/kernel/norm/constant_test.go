package norm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGroupAffineOfAConstant: rounding must not make the variance of a constant
// group less than nothing, whose root is no number.
func TestGroupAffineOfAConstant(t *testing.T) {
	mul, add := make([]float32, 1), make([]float32, 1)
	for _, n := range []int{3, 7, 1000, 99_999} {
		for _, v := range []float64{1e6, 1e7 / 3, 123456.789} {
			m := Moments{Sum: v * float64(n), Sq: v * v * float64(n) * (1 - 1e-9)} // as rounding leaves it
			GroupAffine(mul, add, []float32{1}, []float32{0}, []Moments{m}, 1, n, 1e-6)
			require.False(t, mul[0] != mul[0] || add[0] != add[0], "%d of %g: %v %v", n, v, mul, add)
		}
	}
}
