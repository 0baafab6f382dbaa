package sched

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewNamesFaults(t *testing.T) {
	with := func(f func(*Config)) Config {
		c := DefaultConfig()
		f(&c)
		return c
	}
	for name, c := range map[string]struct {
		config Config
		over   Overrides
		steps  int
		want   string
	}{
		"sampler":    {DefaultConfig(), Overrides{Sampler: "eular"}, 4, `no sampler "eular"; the nearest are euler, euler_a, `},
		"schedule":   {DefaultConfig(), Overrides{Schedule: "carras"}, 4, `no schedule "carras"; the nearest are karras, `},
		"spacing":    {DefaultConfig(), Overrides{Spacing: "even"}, 4, `timestep_spacing is "even", want leading or linspace or trailing`},
		"no steps":   {DefaultConfig(), Overrides{}, 0, "0 steps, want 1 to 1000"},
		"steps":      {DefaultConfig(), Overrides{}, 1001, "1001 steps"},
		"class":      {with(func(c *Config) { c.Class = "KarrasVeScheduler" }), Overrides{}, 4, "_class_name KarrasVeScheduler is not supported, want DDIM"},
		"prediction": {with(func(c *Config) { c.PredictionType = "flow" }), Overrides{}, 4, `prediction_type is "flow"`},
		"variance":   {with(func(c *Config) { v := "learned"; c.VarianceType = &v }), Overrides{Sampler: "dpmpp_2m"}, 4, `variance_type is "learned"`},
		"beta range": {with(func(c *Config) { c.BetaStart = -1 }), Overrides{}, 4, "beta_start is -1, want a number between 0 and 1"},
		"huge betas": {with(func(c *Config) { c.BetaStart, c.BetaEnd = 0.99, 0.99 }), Overrides{}, 4, "the betas give sigma +Inf"},
		"no betas":   {with(func(c *Config) { c.TrainedBetas = []float64{} }), Overrides{}, 4, "trained_betas has 0 values"},
		"train":      {with(func(c *Config) { c.TrainTimesteps = 1 << 40 }), Overrides{}, 4, "num_train_timesteps is 1099511627776, want 2 to 65536"},
		"sigma min":  {with(func(c *Config) { c.SigmaMin = new(float64) }), Overrides{Schedule: "karras"}, 4, "sigma_min is 0, want a positive number"},
		"sigma max":  {with(func(c *Config) { v := 0.001; c.SigmaMax = &v }), Overrides{Schedule: "karras"}, 4, "sigma_max 0.001"},
		"betas":      {with(func(c *Config) { c.TrainedBetas = []float64{0.1} }), Overrides{}, 4, "trained_betas has 1 values"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.config.New(c.over, c.steps)
			require.ErrorContains(t, err, c.want)
		})
	}
	// An order that only another sampler's configuration knows is no fault.
	_, err := with(func(c *Config) { c.SolverOrder = 9 }).New(Overrides{Sampler: "euler"}, 4)
	require.NoError(t, err)
}

func TestRunNamesFaults(t *testing.T) {
	ctx := context.Background()
	x := []float64{1}
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{1}}), "Denoise is nil")
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{1}, Denoise: denoiser[float64]("gaussian")}), "1 sigmas, want at least 2")
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{1, 2}, Denoise: denoiser[float64]("gaussian")}), "sigma 1 is 2 after 1")
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{math.NaN(), 0}, Denoise: denoiser[float64]("gaussian")}), "sigma 0 is NaN")
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{2, 0, 0}, Denoise: denoiser[float64]("gaussian")}), "sigma 1 of 3 is 0")
	require.ErrorContains(t, EulerAncestral(ctx, &Run[float64]{X: x, Sigmas: []float64{1, 0}, Denoise: denoiser[float64]("gaussian")}), "Noise is nil")
	bad := func(_ context.Context, d, _ []float64, sigma float64) error {
		if sigma < 2 {
			d[0] = math.NaN()
		}
		return nil
	}
	require.ErrorContains(t, DPMPP2M(ctx, &Run[float64]{X: x, Sigmas: []float64{3, 1, 0}, Denoise: bad}), "NaN or Inf at step 1, sigma 1")
}

func TestSamplersStopWhenCancelled(t *testing.T) {
	for _, s := range everySampler(t) {
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		err := s.F32(ctx, &Run[float32]{X: make([]float32, 4), Sigmas: []float64{3, 2, 1, 0}, Noise: NewTorchNoise(0),
			Denoise: func(context.Context, []float32, []float32, float64) error {
				calls++
				cancel()
				return nil
			}})
		require.ErrorIs(t, err, context.Canceled, s.Name)
		require.Equal(t, 1, calls, s.Name)
	}
}

func TestTimeOfListedSigmasIsTheListedTime(t *testing.T) {
	s, err := DefaultConfig().New(Overrides{Schedule: "karras"}, 10)
	require.NoError(t, err)
	for i, time := range s.Timesteps {
		require.Equal(t, time, s.Time(s.Sigmas[i]))
	}
	between := s.Time((s.Sigmas[3] + s.Sigmas[4]) / 2)
	require.Greater(t, between, s.Timesteps[4])
	require.Less(t, between, s.Timesteps[3])
	require.EqualValues(t, 999, s.Time(1000))
	require.EqualValues(t, 0, s.Time(0))
	for _, strength := range []float64{0, -1, math.NaN()} {
		tail := s.From(strength)
		require.Empty(t, tail.Timesteps)
		require.EqualValues(t, 999, tail.Time(1000))
	}
	require.Equal(t, s.Timesteps, s.From(2).Timesteps)
}

// A sampler's own work allocates at the start only.
func TestStepsDoNotAllocate(t *testing.T) {
	allocs := func(s Sampler, steps int) float64 {
		sigmas := make([]float64, steps+1)
		for i := range sigmas {
			sigmas[i] = float64(steps - i)
		}
		x := make([]float32, 64)
		return testing.AllocsPerRun(10, func() {
			_ = s.F32(context.Background(), &Run[float32]{X: x, Sigmas: sigmas, Denoise: denoiser[float32]("gaussian"), Noise: NewTorchNoise(0)})
		})
	}
	for _, s := range everySampler(t) {
		require.Equal(t, allocs(s, 2), allocs(s, 50), s.Name)
	}
}

// A schedule may list a noise level twice, as diffusers' do at many steps.
func TestRepeatedSigmas(t *testing.T) {
	for _, s := range everySampler(t) {
		x := []float64{20, -3, 7}
		require.NoError(t, s.F64(context.Background(), &Run[float64]{
			X: x, Sigmas: []float64{14, 14, 5, 1, 1 + 1e-7}, Denoise: denoiser[float64]("gaussian"), Noise: NewTorchNoise(0),
		}), s.Name)
		for _, v := range x {
			require.Less(t, math.Abs(v), 20.0, s.Name)
		}
	}
}

// The known answers of Random123's distribution (Salmon et al. 2011).
func TestPhiloxKnownAnswers(t *testing.T) {
	const ones = 0xffffffff
	require.Equal(t, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, philox([4]uint32{}, [2]uint32{}))
	require.Equal(t, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, philox([4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}))
	require.Equal(t, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		philox([4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0}))
}
