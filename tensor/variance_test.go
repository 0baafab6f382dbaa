package tensor

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVarianceOfTooFew is torch's: where the correction leaves nothing to divide
// by, the variance is 0/0 or infinite, and never below 0.
func TestVarianceOfTooFew(t *testing.T) {
	for _, c := range []struct {
		values     []float32
		correction float64
		want       float64
	}{{[]float32{3}, 1, math.NaN()}, {[]float32{3}, 2, math.NaN()}, {[]float32{1, 3}, 2, math.Inf(1)}, {[]float32{1, 3}, 5, math.Inf(1)}, {[]float32{1, 3}, 1, 2}} {
		x, err := FromSlice(c.values, len(c.values))
		require.NoError(t, err)
		v, err := Var(x, c.correction, false)
		require.NoError(t, err)
		got := float64(v.Float32s()[0])
		require.True(t, got == c.want || math.IsNaN(got) && math.IsNaN(c.want), "%v: %v", c, got)
	}
}
