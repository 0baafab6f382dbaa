package sdxl

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSlerpKeepsTheAngle: unit vectors stay so, and the angle to the first is
// the share of the whole.
func TestSlerpKeepsTheAngle(t *testing.T) {
	const h, w = 2, 3
	angles := []float64{0.3, 1.2, 2.9}
	for _, share := range []float64{0, 0.25, 1} {
		a, b := make([]float32, h*w), make([]float32, h*w)
		for k, angle := range angles {
			a[k] = 1
			b[k], b[w+k] = float32(math.Cos(angle)), float32(math.Sin(angle))
		}
		slerp(a, b, 1, h, w, share)
		for k, angle := range angles {
			require.InDelta(t, math.Cos(share*angle), a[k], 1e-6)
			require.InDelta(t, math.Sin(share*angle), a[w+k], 1e-6)
		}
	}
	a := []float32{1, 2}
	slerp(a, []float32{1.0001, 2}, 1, 2, 1, 0.5)
	require.InDeltaSlice(t, []float32{1.00005, 2}, a, 1e-6)
}

// TestSlerpWithoutAnAngle: latents one row high have columns of one number, which
// are parallel or opposite, and zeros have no direction.
func TestSlerpWithoutAnAngle(t *testing.T) {
	for _, c := range []struct{ a, b, want []float32 }{
		{[]float32{1, 2, -3}, []float32{3, -2, 1}, []float32{2, 0, -1}},
		{[]float32{0, 1, 1}, []float32{1, 0, -1}, []float32{0.5, 0.5, 0}},
	} {
		slerp(c.a, c.b, 1, 1, 3, 0.5)
		require.InDeltaSlice(t, c.want, c.a, 1e-6)
	}
}
