package demo_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

// TestNarrowPicturesAreNearThoseOfF32 holds whole pictures to 40 dB in bfloat16
// and to 30 dB in 8-bit integers.
func TestNarrowPicturesAreNearThoseOfF32(t *testing.T) {
	for precision, least := range map[nn.Precision]float64{nn.BF16: 40, nn.Int8: 30} {
		t.Run(string(precision), func(t *testing.T) { comparePictures(t, precision, least) })
	}
}

func comparePictures(t *testing.T, precision nn.Precision, least float64) {
	pipe := pipeline(t)
	narrow := cpu.New(cpu.Options{Precision: precision})
	defer narrow.Close()
	for seed, prompt := range []string{"a red circle above a blue square", "three green stars", "a photo of a large purple heart on a yellow background"} {
		o := sdxl.Options{Prompt: prompt, Steps: new(12), Seed: new(int64(seed))}
		want, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		got, err := sdxl.NewPipeline(pipe.Model(), narrow, sdxl.PipelineOptions{}).Generate(context.Background(), o)
		require.NoError(t, err)
		db := psnr(want.Images[0].Pix, got.Images[0].Pix)
		t.Logf("%s: %.1f dB", prompt, db)
		require.Greater(t, db, least, prompt)
		require.Less(t, db, math.Inf(1), "the precision is not in use")
	}
}

// psnr compares RGBA pixels whose alpha is the same, in dB.
func psnr(a, b []uint8) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255/(sum/float64(len(a)*3/4)))
}
