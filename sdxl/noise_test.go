package sdxl

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
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

// TestStepNoise: which generator the steps draw from, after the first noise.
func TestStepNoise(t *testing.T) {
	drawn := func(n sched.Noise, skip, size int) []float32 {
		out := make([]float32, skip+size)
		if skip > 0 {
			n.Normal(out[:skip])
		}
		n.Normal(out[skip:])
		return out[skip:]
	}
	const size = 20
	for _, c := range []struct {
		dialect, noise string
		ensd           int64
		first, then    []float32
	}{
		{"comfy", "", 0, drawn(sched.NewTorchNoise(7), 0, size), drawn(sched.NewTorchNoise(8), 0, size)},
		{"comfy", "philox", 0, drawn(sched.NewTorchNoise(7), 0, size), drawn(sched.NewPhiloxNoise(7), 0, size)},
		{"comfy", "brownian", 0, drawn(sched.NewTorchNoise(7), 0, size), drawn(sched.NewTorchNoise(8), 0, size)},
		{"a1111", "", 0, drawn(sched.NewTorchNoise(7), 0, size), drawn(sched.NewTorchNoise(7), size, size)},
		{"a1111", "", 31337, drawn(sched.NewTorchNoise(7), 0, size), drawn(sched.NewTorchNoise(31344), 0, size)},
		{"a1111", "philox", -2, drawn(sched.NewPhiloxNoise(7), 0, size), drawn(sched.NewPhiloxNoise(5), 0, size)},
		{"", "", 0, drawn(sched.NewTorchNoise(7), 0, size), drawn(sched.NewTorchNoise(7), size, size)},
	} {
		r := resolved{Options: Options{Dialect: c.dialect, Noise: c.noise, ENSD: c.ensd}}
		n := r.newNoise(7, []float64{14, 1, 0})
		require.Equal(t, c.first, drawn(n, 0, size), "%+v", c)
		require.Equal(t, c.then, drawn(n, 0, size), "%+v", c)
	}
	var faults FieldErrors
	(&Options{ENSD: 1, Dialect: "comfy"}).checkNoise(&faults)
	require.ErrorContains(t, faults, `is 1 beside the dialect "comfy"`)
}
