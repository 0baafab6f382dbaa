package demo_test

import (
	"cmp"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

// TestSeedsOfPictures: a batch with a seed for each picture makes those that
// each seed makes alone, also from a picture; and variations walk between seeds.
func TestSeedsOfPictures(t *testing.T) {
	pipe := pipeline(t)
	draw := func(o sdxl.Options) [][]uint8 {
		o.Prompt, o.Steps, o.CFG, o.Sampler = "a red circle", new(6), new(4.0), cmp.Or(o.Sampler, "euler_a")
		r, err := pipe.Generate(context.Background(), o)
		require.NoError(t, err)
		var pix [][]uint8
		for _, img := range r.Images {
			pix = append(pix, img.Pix)
		}
		return pix
	}
	alone := func(seed int64) []uint8 { return draw(sdxl.Options{Seed: &seed})[0] }
	require.Equal(t, [][]uint8{alone(5), alone(9), alone(6)}, draw(sdxl.Options{Seeds: []int64{5, 9, 6}}))

	first, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a blue square", Steps: new(4), Seed: new(int64(1))})
	require.NoError(t, err)
	from := func(o sdxl.Options) sdxl.Options {
		o.Image, o.Strength = first.Images[0], new(0.7)
		return o
	}
	require.Equal(t, [][]uint8{draw(from(sdxl.Options{Seed: new(int64(5))}))[0], draw(from(sdxl.Options{Seed: new(int64(9))}))[0]}, draw(from(sdxl.Options{Seeds: []int64{5, 9}})))

	vary := func(strength float64) []uint8 {
		return draw(sdxl.Options{Seed: new(int64(5)), Variation: &sdxl.Variation{Seed: 9, Strength: strength}})[0]
	}
	require.Equal(t, alone(5), vary(0))
	require.NotEqual(t, alone(5), vary(0.3))
	philox := draw(sdxl.Options{Seed: new(int64(5)), Noise: "philox"})[0]
	require.NotEqual(t, alone(5), philox)

	// A sampler of the SDE goes along one path, whatever the batch; others add noise as before.
	sde := func(noise string, seed int64) []uint8 {
		return draw(sdxl.Options{Seed: &seed, Noise: noise, Sampler: "dpmpp_2m_sde"})[0]
	}
	require.NotEqual(t, sde("torch", 5), sde("brownian", 5))
	require.NotEqual(t, sde("brownian", 5), sde("brownian-philox", 5))
	require.Equal(t, [][]uint8{sde("brownian", 5), sde("brownian", 9)}, draw(sdxl.Options{Seeds: []int64{5, 9}, Noise: "brownian", Sampler: "dpmpp_2m_sde"}))
	require.Equal(t, alone(5), draw(sdxl.Options{Seed: new(int64(5)), Noise: "brownian"})[0])

	// Noise that is kept makes the picture again, and none other.
	var kept []float32
	keeping := sdxl.Options{Seed: new(int64(5)), Sampler: "restart", Noising: sdxl.Noising{Restart: &sched.Restart{Min: 0.2, Max: 3, Steps: 2, Times: 2}}}
	keeping.OnNoise = func(draw []float32) { kept = append(kept, draw...) }
	want := draw(keeping)
	keeping.OnNoise, keeping.Seed, keeping.NoiseFrom = nil, new(int64(6)), sched.NewNoiseSequence(kept)
	require.Equal(t, want, draw(keeping))
	require.NotEqual(t, want, draw(sdxl.Options{Seed: new(int64(5)), Sampler: "restart"}))
	short := sdxl.Options{Sampler: "restart", NoiseFrom: sched.NewNoiseSequence(kept[1:]), Noising: keeping.Noising, Steps: new(6)}
	_, err = pipe.Generate(context.Background(), short)
	require.ErrorContains(t, err, "the stored noise has")

	for want, o := range map[string]sdxl.Options{
		`noise is "gpu", want one of torch, philox`: {Noise: "gpu"}, "seeds are 0": {Seeds: []int64{}}, "batch is 3 beside 2 seeds": {Seeds: []int64{1, 2}, Batch: new(3)},
		"noise was stored in a file": {Noise: "stored"}, "restart is from 2 to 1": {Noising: sdxl.Noising{Restart: &sched.Restart{Min: 2, Max: 1, Steps: 1}}},
		"variation.strength is 2": {Variation: &sdxl.Variation{Strength: 2}},
	} {
		_, err := pipe.Generate(context.Background(), o)
		require.ErrorContains(t, err, want)
	}
}
