package vae

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

// TestLatentsOfABatch: each picture of a batch is scaled by its channels, there
// and back.
func TestLatentsOfABatch(t *testing.T) {
	v := &VAE{Config: Config{LatentChannels: 2, ScalingFactor: 0.5, LatentsMean: []float64{1, -2}, LatentsStd: []float64{4, 8}}}
	z := tensor.New(tensor.F32, 2, 2, 1, 3)
	for i := range z.Float32s() {
		z.Float32s()[i] = float32(i)
	}
	v.ToUNet(z)
	for i, got := range z.Float32s() {
		want := []float64{(float64(i) - 1) * 0.5 / 4, (float64(i) + 2) * 0.5 / 8}[i/3%2]
		require.InDelta(t, want, got, 1e-6, "element %d", i)
	}
	back := make([]float32, 6)
	for picture := range 2 {
		v.FromUNet(back, z.Float32s()[picture*6:][:6])
		for i, got := range back {
			require.InDelta(t, float32(picture*6+i), got, 1e-5)
		}
	}
}
