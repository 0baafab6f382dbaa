package sched

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// brownianCase is one of numpy's seed sequences, of the tree's answers for steps
// in some order, or of a run of k-diffusion; internal/golden/gen/brownian_refs.py
// made them.
type brownianCase struct {
	Kind              string
	Seed              int64
	Spawn             []uint64
	Size, Every       int
	Sampler, Denoiser string
	Sigmas            []float64
	Steps             [][2]float64
	Values            [][]float64
}

func torchSource(seed int64) Noise { return NewTorchNoise(seed) }

func TestSeedSequence(t *testing.T) {
	tested := 0
	for _, c := range read[[]brownianCase](t, "brownian.json") {
		if c.Kind != "seeds" {
			continue
		}
		entropy := words(uint64(c.Seed))
		if len(c.Spawn) > 0 {
			entropy = append(entropy, make([]uint32, seedPool-len(entropy))...)
		}
		for _, v := range c.Spawn {
			entropy = append(entropy, words(v)...)
		}
		got := seedSequence(entropy, len(c.Values[0]))
		for i, want := range c.Values[0] {
			require.Equal(t, uint32(want), got[i], "seed %d, spawned %v, word %d", c.Seed, c.Spawn, i)
		}
		tested++
	}
	require.Greater(t, tested, 30)
}

func TestBrownianNoiseAgainstTorchSDE(t *testing.T) {
	tested := 0
	for _, c := range read[[]brownianCase](t, "brownian.json") {
		if c.Kind != "steps" {
			continue
		}
		noise := NewBrownianNoise(nil, torchSource, c.Seed, c.Sigmas)
		got := make([]float32, c.Size)
		for i, step := range c.Steps {
			noise.Between(got, step[0], step[1])
			for j, want := range c.Values[i] {
				require.InDelta(t, want, got[j*c.Every], 1e-5, "seed %d, from %g to %g, number %d", c.Seed, step[0], step[1], j*c.Every)
				tested++
			}
		}
	}
	require.Greater(t, tested, 500)
}

func TestSDESamplersOnABrownianPath(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range read[[]brownianCase](t, "brownian.json") {
		if c.Kind != "run" {
			continue
		}
		s, err := SamplerNamed(c.Sampler)
		require.NoError(t, err)
		x := make([]float32, c.Size)
		noise := NewBrownianNoise(NewTorchNoise(c.Seed), torchSource, c.Seed, c.Sigmas)
		noise.Normal(x)
		for i := range x {
			x[i] *= float32(c.Sigmas[0])
		}
		require.NoError(t, s.F32(context.Background(), &Run[float32]{X: x, Sigmas: c.Sigmas, Denoise: denoiser[float32](c.Denoiser), Noise: noise}))
		greatest := math.Max(slices.Max(c.Values[0]), -slices.Min(c.Values[0]))
		for i, want := range c.Values[0] {
			require.InDelta(t, want, x[i], 1e-5*max(1, greatest), "%s, %s, number %d", c.Sampler, c.Denoiser, i)
		}
		tested[c.Sampler] = true
	}
	require.Len(t, tested, 4)
}

// The increments of parts add up to that of the whole, and their sizes are right.
func TestBrownianNoiseIsAPath(t *testing.T) {
	const n = 20000
	levels := []float64{0.03, 0.5, 3, 14.6}
	noise := NewBrownianNoise(nil, torchSource, 7, levels)
	sum, part, whole := make([]float64, n), make([]float32, n), make([]float32, n)
	for i := range len(levels) - 1 {
		low, high := levels[i], levels[i+1]
		noise.Between(part, high, low)
		variance := 0.0
		for j, v := range part {
			variance += float64(v) * float64(v) / n
			sum[j] += float64(v) * math.Sqrt(high-low)
		}
		require.InDelta(t, 1, variance, 0.05)
	}
	noise.Between(whole, 14.6, 0.03)
	for j, v := range whole {
		require.InDelta(t, sum[j], float64(v)*math.Sqrt(14.57), 1e-4)
	}
	back := slices.Clone(whole)
	noise.Between(back, 0.03, 14.6)
	for j, v := range whole {
		require.Equal(t, -v, back[j])
	}
	noise.Between(back, 1, 1)
	require.Equal(t, make([]float32, n), back)
}
