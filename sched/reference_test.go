package sched

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// read decodes a file of testdata, which internal/golden/gen/sched_refs.py made
// with torch, diffusers and k-diffusion.
func read[T any](t *testing.T, name string) T {
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var v T
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}

// ulps returns how many float32 lie between two numbers of one sign.
func ulps(a, b float32) int64 {
	d := int64(math.Float32bits(a)) - int64(math.Float32bits(b))
	return max(d, -d)
}

func TestTorchNoise(t *testing.T) {
	cases := read[[]struct {
		Seed   int64
		Sizes  []int // of the calls in turn
		Every  int   // values holds each Every-th number of all calls
		Values []float64
	}](t, "noise.json")
	require.NotEmpty(t, cases)
	for _, c := range cases {
		n := NewTorchNoise(c.Seed)
		var got []float32
		for _, size := range c.Sizes {
			call := make([]float32, size)
			n.Normal(call)
			got = append(got, call...)
		}
		require.NotEmpty(t, got)
		require.Len(t, c.Values, (len(got)+c.Every-1)/c.Every)
		for i, want := range c.Values {
			requireNear(t, want, got[i*c.Every], "seed %d, calls of %d, number %d", c.Seed, c.Sizes, i*c.Every)
		}
	}
}

// requireNear allows what a unit in the last place of a logarithm or a sine
// does to their product.
func requireNear(t *testing.T, want float64, got float32, format string, args ...any) {
	if math.Abs(want) > 1e-3 {
		require.LessOrEqual(t, ulps(float32(want), got), int64(3), fmt.Sprintf(format, args...))
	} else {
		require.InDelta(t, want, got, 1e-7, fmt.Sprintf(format, args...))
	}
}

// The numbers of torch.randn on a CUDA device with seed 0.
func TestPhiloxNoise(t *testing.T) {
	n, got := NewPhiloxNoise(0), make([]float32, 4)
	n.Normal(got)
	require.InDeltaSlice(t, []float32{-0.92466259, -0.42534415, -2.6438457, 0.14518388}, got, 1e-6)
	again := make([]float32, 4)
	n.Normal(again)
	require.NotEqual(t, got, again)
}

type scheduleRef struct {
	Sampler, Schedule string
	Config            json.RawMessage
	Steps             int
	Strength          *float64
	Sigmas, Timesteps []float64
	InitNoiseSigma    float64 `json:"init_noise_sigma"`
	Start             []float64
	States            [][]float64
}

func (r *scheduleRef) schedule(t *testing.T) *Schedule {
	c := EmptyConfig()
	require.NoError(t, json.Unmarshal(r.Config, &c))
	s, err := c.New(Overrides{Sampler: r.Sampler, Schedule: r.Schedule}, r.Steps)
	require.NoError(t, err)
	if r.Strength != nil {
		s = s.From(*r.Strength)
	}
	return s
}

func (r *scheduleRef) String() string {
	return fmt.Sprintf("%s %s %d %s", r.Sampler, r.Schedule, r.Steps, r.Config)
}

func TestSchedulesAgainstDiffusers(t *testing.T) {
	for _, r := range read[[]scheduleRef](t, "schedules.json") {
		t.Run(r.String(), func(t *testing.T) {
			s := r.schedule(t)
			require.Len(t, s.Sigmas, r.Steps+1)
			requireRelative(t, r.Sigmas, s.Sigmas, 1e-6)
			requireRelative(t, []float64{r.InitNoiseSigma}, []float64{s.InitNoiseSigma}, 1e-6)
			require.Len(t, s.Timesteps, r.Steps)
			if r.Sampler == "euler" && r.Schedule == "karras" {
				// Not whole numbers: a unit in the last place of torch's square root shows.
				requireRelative(t, r.Timesteps, s.Timesteps, 1e-6)
			} else {
				require.Equal(t, r.Timesteps, s.Timesteps)
			}
		})
	}
}

func requireRelative(t *testing.T, want, got []float64, bound float64) {
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i], got[i], bound*math.Abs(want[i]), "number %d", i)
	}
}

// gaussian is the exact denoiser of a normal distribution, as in sched_refs.py.
func gaussian[T Float](_ context.Context, denoised, x []T, sigma float64) error {
	const width, mean = 1.3, 0.2
	for i, v := range x {
		denoised[i] = T(mean + (float64(v)-mean)*width*width/(width*width+sigma*sigma))
	}
	return nil
}

// sines is the noise of the trajectories: sin(0), sin(1), ...
type sines struct{ n float64 }

func (s *sines) Normal(dst []float32) {
	for i := range dst {
		dst[i] = float32(math.Sin(s.n))
		s.n++
	}
}

func TestSamplersAgainstKDiffusion(t *testing.T) {
	for _, r := range read[[]scheduleRef](t, "kdiffusion.json") {
		t.Run(fmt.Sprintf("%s %d", r.Sampler, len(r.Sigmas)-1), func(t *testing.T) {
			s, err := SamplerNamed(r.Sampler)
			require.NoError(t, err)
			step := 0
			require.NoError(t, s.F64(context.Background(), &Run[float64]{
				X: r.Start, Sigmas: r.Sigmas, Denoise: gaussian[float64], Noise: new(sines),
				OnStep: func(i int, x, _ []float64) error {
					require.Equal(t, step, i)
					require.InDeltaSlice(t, r.States[i], x, 1e-10)
					step++
					return nil
				},
			}))
			require.Equal(t, len(r.Sigmas)-1, step)
		})
	}
}

func TestSamplersAgainstDiffusers(t *testing.T) {
	for _, r := range read[[]scheduleRef](t, "diffusers.json") {
		strength := 1.0
		if r.Strength != nil {
			strength = *r.Strength
		}
		t.Run(fmt.Sprintf("%s %s %d %g", r.Sampler, r.Schedule, r.Steps, strength), func(t *testing.T) {
			s := r.schedule(t)
			require.Len(t, s.Timesteps, len(r.States))
			x := make([]float32, len(r.Start))
			for i, v := range r.Start {
				x[i] = float32(v)
			}
			require.NoError(t, s.Sampler.F32(context.Background(), &Run[float32]{
				X: x, Sigmas: s.Sigmas, Denoise: gaussian[float32], Noise: NewTorchNoise(11), FirstOrderLast: s.FirstOrderLast,
				OnStep: func(i int, x, _ []float32) error {
					scale := 1.0
					if s.VP {
						scale = 1 / math.Sqrt(1+s.Sigmas[i+1]*s.Sigmas[i+1])
					}
					var diff, norm float64
					for j, want := range r.States[i] {
						d := float64(x[j])*scale - want
						diff, norm = diff+d*d, norm+want*want
					}
					require.Less(t, math.Sqrt(diff/norm), 1e-5, "step %d", i)
					return nil
				},
			}))
		})
	}
}
