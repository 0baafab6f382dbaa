package lab_test

import (
	"context"
	"testing"

	"github.com/df65613c/easel/sched"
)

// still is noise that costs nothing.
type still struct{}

func (still) Normal([]float32) {}

// BenchmarkStep is what a sampler itself costs a step for 1024x1024 pixels. Its
// bytes are those of reading x and one estimate and writing x.
func BenchmarkStep(b *testing.B) {
	const numbers = 4 * 128 * 128
	for _, name := range sched.SamplerNames() {
		b.Run(name, func(b *testing.B) {
			s, err := sched.SamplerNamed(name)
			if err != nil {
				b.Fatal(err)
			}
			x := make([]float32, numbers)
			for i := range x {
				x[i] = float32(i%7) - 3
			}
			b.SetBytes(3 * 4 * numbers)
			b.ReportAllocs()
			err = s.F32(context.Background(), &sched.Run[float32]{
				X: x, Sigmas: halving(10, 0.1, b.N), Noise: still{},
				Denoise: func(context.Context, []float32, []float32, float64) error { return nil },
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
