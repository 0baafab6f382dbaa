package sched

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
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

// request is what a user of diffusers asks for, with the folder's configuration.
type request struct {
	Config                     json.RawMessage
	Sampler, Schedule, Spacing string
	Steps                      int
	Strength                   *float64
}

func (r *request) schedule(t *testing.T) *Schedule {
	c := EmptyConfig()
	require.NoError(t, json.Unmarshal(r.Config, &c))
	s, err := c.New(Overrides{Sampler: r.Sampler, Schedule: r.Schedule, Spacing: r.Spacing}, r.Steps)
	require.NoError(t, err)
	if r.Strength != nil {
		s = s.From(*r.Strength)
	}
	return s
}

func (r *request) String() string {
	name := fmt.Sprintf("%s %s %s %d %s", r.Sampler, r.Schedule, r.Spacing, r.Steps, r.Config)
	if r.Strength != nil {
		name += fmt.Sprintf(" from %g", *r.Strength)
	}
	return name
}

func TestSchedulesAgainstDiffusers(t *testing.T) {
	refs := read[[]struct {
		request
		Sigmas, Timesteps []float64
		InitNoiseSigma    float64 `json:"init_noise_sigma"`
	}](t, "schedules.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		t.Run(r.String(), func(t *testing.T) {
			s := r.schedule(t)
			bound := 1e-6
			if strings.Contains(string(r.Config), `"rescale_betas_zero_snr":true`) {
				bound = 2e-6 // torch's square roots are a unit in the last place off, and rescaling enlarges that
			}
			requireRelative(t, r.Sigmas, s.Sigmas, bound)
			requireRelative(t, []float64{r.InitNoiseSigma}, []float64{s.InitNoiseSigma}, 1e-6)
			if s.Name == "karras" && !s.VP {
				// Not whole numbers: a unit in the last place of torch's square root shows.
				requireRelative(t, r.Timesteps, s.Timesteps, 1e-6)
			} else {
				require.Equal(t, len(r.Timesteps), len(s.Timesteps))
				for i, want := range r.Timesteps {
					require.Equal(t, float32(want), float32(s.Timesteps[i]), "number %d", i)
				}
			}
			run := Run[float32]{Sigmas: s.Sigmas, Denoise: denoiser[float32]("tanh")}
			require.NoError(t, run.check())
		})
	}
}

func requireRelative(t *testing.T, want, got []float64, bound float64) {
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i], got[i], bound*math.Abs(want[i]), "number %d", i)
	}
}

// denoisers are the exact ones of distributions, elementwise, as sched_refs.py
// has them: normal ones, and +-1 with equal chance.
func denoiser[T Float](name string) Denoise[T] {
	return func(_ context.Context, denoised, x []T, sigma float64) error {
		s2 := sigma * sigma
		for i, v := range x {
			p := float64(i) / 7
			mean, width := -1.5+3.5*p, 0.2+1.4*p
			switch c2 := width * width; name {
			case "gaussian":
				denoised[i] = T((float64(v)*c2 + mean*s2) / (c2 + s2))
			case "tanh":
				denoised[i] = T(math.Tanh(float64(v) / s2))
			default:
				return fmt.Errorf("no denoiser %q", name)
			}
		}
		return nil
	}
}

func TestSamplersAgainstKDiffusion(t *testing.T) {
	refs := read[[]struct {
		Sampler, Denoiser string
		FirstOrderLast    bool `json:"first_order_last"`
		Sigmas            []float64
		Before            [][]float64 // the states before the last steps
		Denoised, Last    []float64
	}](t, "trajectories_float64.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		steps := len(r.Sigmas) - 1
		t.Run(fmt.Sprintf("%s %s %d", r.Sampler, r.Denoiser, steps), func(t *testing.T) {
			s, err := SamplerNamed(r.Sampler)
			require.NoError(t, err)
			noise, first := NewTorchNoise(5), make([]float32, 8)
			noise.Normal(first)
			x := make([]float64, len(first))
			for i, v := range first {
				x[i] = float64(v) * r.Sigmas[0]
			}
			var states [][]float64
			states = append(states, slices.Clone(x))
			require.NoError(t, s.F64(context.Background(), &Run[float64]{
				X: x, Sigmas: r.Sigmas, Denoise: denoiser[float64](r.Denoiser), Noise: noise, FirstOrderLast: r.FirstOrderLast,
				OnStep: func(i int, x, denoised []float64) error {
					require.Equal(t, len(states)-1, i)
					states = append(states, slices.Clone(x))
					if i == steps-1 {
						require.InDeltaSlice(t, r.Denoised, denoised, 1e-10)
					}
					return nil
				},
			}))
			require.Len(t, states, steps+1)
			require.NotEmpty(t, r.Before)
			for i, want := range r.Before {
				require.InDeltaSlice(t, want, states[steps-len(r.Before)+i], 1e-10)
			}
			require.InDeltaSlice(t, r.Last, x, 1e-10)

			noise = NewTorchNoise(5)
			x32 := make([]float32, len(first))
			noise.Normal(x32)
			for i := range x32 {
				x32[i] *= float32(r.Sigmas[0])
			}
			require.NoError(t, s.F32(context.Background(), &Run[float32]{
				X: x32, Sigmas: r.Sigmas, Denoise: denoiser[float32](r.Denoiser), Noise: noise, FirstOrderLast: r.FirstOrderLast,
			}))
			for i, want := range r.Last {
				require.InDelta(t, want, x32[i], 1e-5*max(1, math.Abs(want)))
			}
		})
	}
}

func TestSamplersAgainstDiffusers(t *testing.T) {
	refs := read[[]struct {
		request
		Denoiser  string
		Latents   [][]float64 // after each step, as diffusers' callback has them
		NextNoise []float64   `json:"next_noise"` // what the generator gives afterwards
	}](t, "trajectories_float32.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		t.Run(r.String()+" "+r.Denoiser, func(t *testing.T) {
			s := r.schedule(t)
			require.Len(t, s.Timesteps, len(r.Latents))
			noise := NewTorchNoise(9)
			draw := func() []float32 {
				n := make([]float32, 8)
				noise.Normal(n)
				return n
			}
			x := draw()
			if r.Strength == nil {
				for i := range x {
					x[i] *= float32(s.FirstScale())
				}
			} else {
				for i, n := range draw() {
					x[i] += float32(s.Sigmas[0]) * n
				}
			}
			calls := 0
			run := NewRun(s, x, 1)
			run.Noise, run.Denoise = noise, NewDenoise(networkOf(t, s, denoiser[float64](r.Denoiser)), s.Prediction, s.Time, len(x))
			run.OnStep = func(i int, x, _ []float32) error {
				scale := s.LatentScale(i)
				var diff, norm float64
				for j, want := range r.Latents[i] {
					d := float64(x[j])*scale - want
					diff, norm = diff+d*d, norm+want*want
				}
				require.LessOrEqual(t, math.Sqrt(diff/norm), 1e-5, "step %d", i)
				calls++
				return nil
			}
			require.NoError(t, s.Sampler.F32(context.Background(), run))
			require.Equal(t, len(r.Latents), calls)
			next := make([]float32, 1)
			noise.Normal(next)
			require.InDelta(t, r.NextNoise[0], next[0], 1e-6)
		})
	}
}

// networkOf makes the network whose estimate of x0 a denoiser is. It checks
// that it is told the schedule's timesteps in turn.
func networkOf(t *testing.T, s *Schedule, denoise Denoise[float64]) Network[float32] {
	step := 0
	return func(ctx context.Context, out, in []float32, time float64) error {
		sigma := s.Sigmas[step]
		require.Equal(t, s.Timesteps[step], time)
		step++
		x, x0 := make([]float64, len(in)), make([]float64, len(in))
		for i, v := range in {
			x[i] = float64(v) * math.Sqrt(sigma*sigma+1)
		}
		if err := denoise(ctx, x0, x, sigma); err != nil {
			return err
		}
		for i := range out {
			eps := (x[i] - x0[i]) / sigma
			switch s.Prediction {
			case Epsilon:
				out[i] = float32(eps)
			case VPrediction:
				out[i] = float32((eps - sigma*x0[i]) / math.Sqrt(sigma*sigma+1))
			case Sample:
				out[i] = float32(x0[i])
			}
		}
		return nil
	}
}

// Euler's Karras timesteps are the reference's own reading of sigmas off the list.
func TestTimeBetweenListedSigmasAgainstDiffusers(t *testing.T) {
	checked := 0
	for _, r := range read[[]struct {
		request
		Sigmas, Timesteps []float64
	}](t, "schedules.json") {
		if r.Sampler != "euler" || r.Schedule != "karras" {
			continue
		}
		karras := r.schedule(t)
		r.Schedule = "normal"
		normal := r.schedule(t)
		for i, sigma := range karras.Sigmas[:len(karras.Timesteps)] {
			if slices.Contains(normal.Sigmas, sigma) {
				continue
			}
			require.InDelta(t, r.Timesteps[i], normal.Time(sigma), 1e-3)
			checked++
		}
	}
	require.Greater(t, checked, 100)
}
