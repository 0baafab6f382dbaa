package demo_test

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// begin is what a sampler begins with.
type begin struct {
	x      []float32
	sigmas []float64
	seeds  []int64
}

// beginning runs a picture up to its sampler.
func beginning(t *testing.T, pipe *sdxl.Pipeline, o sdxl.Options) (b begin) {
	stop := sched.Sampler{Name: "none", F32: func(_ context.Context, r *sched.Run[float32]) error {
		b.x, b.sigmas = append(b.x, r.X...), r.Sigmas
		return nil
	}}
	o.Prompt, o.Steps, o.Custom = "a red circle", new(8), &stop
	r, err := pipe.Generate(context.Background(), o)
	require.NoError(t, err)
	b.seeds = r.Parameters.Seeds
	return b
}

// silence is noise of zeros.
type silence struct{}

func (silence) Normal(dst []float32) { clear(dst) }

// TestDialectsBegin: which noise, of which seeds and how strong, pictures of a
// batch begin with, alone and on a picture.
func TestDialectsBegin(t *testing.T) {
	pipe := pipeline(t)
	first, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a blue square", Steps: new(4), Seed: new(int64(1))})
	require.NoError(t, err)
	image := first.Images[0]
	x0 := beginning(t, pipe, sdxl.Options{Image: image, NoiseFrom: silence{}, Strength: new(0.5)}).x
	size := len(x0)
	drawn := func(seed int64, n int) []float32 {
		x := make([]float32, n)
		sched.NewTorchNoise(seed).Normal(x)
		return x
	}
	apart := append(append(drawn(5, size), drawn(6, size)...), drawn(7, size)...)
	whole := func(sigma float64) float64 { return math.Hypot(1, sigma) }
	own := func(sigma float64) float64 { return sigma }
	for _, c := range []struct {
		dialect  string
		strength float64 // 0 is no picture
		noise    []float32
		seeds    []int64
		scale    func(sigma float64) float64
		steps    int
	}{
		{"a1111", 0, apart, []int64{5, 6, 7}, own, 8},
		{"comfy", 0, drawn(5, 3*size), nil, whole, 8},
		{"k-diffusion", 0, drawn(5, 3*size), nil, own, 8},
		{"a1111", 0.5, apart, []int64{5, 6, 7}, own, 5},
		{"comfy", 0.5, drawn(5, 3*size), nil, own, 8},
		{"comfy", 1, drawn(5, 3*size), nil, whole, 8},
	} {
		o := sdxl.Options{Seed: new(int64(5)), Batch: new(3), Dialect: c.dialect, Schedule: "karras"}
		if c.strength > 0 {
			o.Image, o.Strength = image, &c.strength
		}
		b := beginning(t, pipe, o)
		require.Equal(t, c.seeds, b.seeds, c.dialect)
		require.Len(t, b.sigmas, c.steps+1, c.dialect)
		want, scale := make([]float32, 3*size), c.scale(b.sigmas[0])
		for i, n := range c.noise {
			want[i] = float32(scale * float64(n))
			if c.strength > 0 {
				want[i] += x0[i%size]
			}
		}
		require.InDeltaSlice(t, want, b.x, 1e-5*scale, "%s %g", c.dialect, c.strength)
	}

	// A variation has the seed for all, and seeds of its own.
	mixed := func(o sdxl.Options) begin {
		o.Dialect, o.Variation.Strength = "a1111", 0.3
		return beginning(t, pipe, o)
	}
	batch := mixed(sdxl.Options{Seed: new(int64(5)), Batch: new(2), Variation: &sdxl.Variation{Seed: 9}})
	require.Equal(t, []int64{5, 5}, batch.seeds)
	for i := range int64(2) {
		alone := mixed(sdxl.Options{Seed: new(int64(5)), Variation: &sdxl.Variation{Seed: 9 + i}})
		require.Equal(t, alone.x, batch.x[int(i)*size:][:size])
	}

	// What is asked of the request's fields is asked by the dialect's rule.
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, image))
	request := func(dialect string) error {
		return (&request.Request{
			TextPrompts: []request.TextPrompt{{Text: "x"}}, InitImage: file.Bytes(), Steps: new(10), ImageStrength: new(0.95), Extras: &sdxl.Options{Dialect: dialect},
		}).Validate(request.Limits{})
	}
	require.NoError(t, errors.Join(request("a1111"), request("comfy")))
	require.ErrorContains(t, request("diffusers"), "leaves none of 10 steps")
}
