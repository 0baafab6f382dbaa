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
		"sampler":    {DefaultConfig(), Overrides{Sampler: "eular"}, 4, `no sampler "eular"; there are euler, euler_a, dpmpp_2m`},
		"schedule":   {DefaultConfig(), Overrides{Schedule: "carras"}, 4, `no schedule "carras"; there are normal, karras`},
		"spacing":    {DefaultConfig(), Overrides{Spacing: "even"}, 4, `timestep_spacing is "even", want leading or linspace or trailing`},
		"no steps":   {DefaultConfig(), Overrides{}, 0, "0 steps, want 1 to 1000"},
		"steps":      {DefaultConfig(), Overrides{}, 1001, "1001 steps"},
		"class":      {with(func(c *Config) { c.Class = "PNDMScheduler" }), Overrides{}, 4, "_class_name PNDMScheduler is not supported; name a sampler"},
		"prediction": {with(func(c *Config) { c.PredictionType = "flow" }), Overrides{}, 4, `prediction_type is "flow"`},
		"order":      {with(func(c *Config) { c.SolverOrder = 3 }), Overrides{Sampler: "dpmpp_2m"}, 4, "solver_order is 3, want 2"},
		"clipped":    {with(func(c *Config) { c.LambdaMinClipped = new(float64) }), Overrides{Sampler: "dpmpp_2m"}, 4, "lambda_min_clipped is 0"},
		"variance":   {with(func(c *Config) { c.VarianceType = new(string) }), Overrides{Sampler: "dpmpp_2m"}, 4, "variance_type is"},
		"beta":       {with(func(c *Config) { c.UseBeta = true }), Overrides{}, 4, "use_beta_sigmas is true"},
		"betas":      {with(func(c *Config) { c.TrainedBetas = []float64{0.1} }), Overrides{}, 4, "trained_betas has 1 values"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.config.New(c.over, c.steps)
			require.ErrorContains(t, err, c.want)
		})
	}
	// An order that only another sampler's configuration knows is no fault.
	_, err := with(func(c *Config) { c.SolverOrder = 3 }).New(Overrides{Sampler: "euler"}, 4)
	require.NoError(t, err)
}

func TestRunNamesFaults(t *testing.T) {
	ctx := context.Background()
	x := []float64{1}
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{1}}), "Denoise is nil")
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{1}, Denoise: gaussian[float64]}), "1 sigmas, want at least 2")
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{1, 2}, Denoise: gaussian[float64]}), "sigma 1 is 2 after 1")
	require.ErrorContains(t, Euler(ctx, &Run[float64]{X: x, Sigmas: []float64{math.NaN(), 0}, Denoise: gaussian[float64]}), "sigma 0 is NaN")
	bad := func(_ context.Context, d, _ []float64, sigma float64) error {
		if sigma < 2 {
			d[0] = math.NaN()
		}
		return nil
	}
	require.ErrorContains(t, DPMPP2M(ctx, &Run[float64]{X: x, Sigmas: []float64{3, 1, 0}, Denoise: bad}), "NaN or Inf at step 1, sigma 1")
}

func TestSamplersStopWhenCancelled(t *testing.T) {
	for _, s := range samplers {
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
	require.Equal(t, s.Timesteps[0], s.Time(1000))
	require.Equal(t, s.Timesteps[9], s.Time(0))
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
			_ = s.F32(context.Background(), &Run[float32]{X: x, Sigmas: sigmas, Denoise: gaussian[float32], Noise: NewTorchNoise(0)})
		})
	}
	for _, s := range samplers {
		require.Equal(t, allocs(s, 2), allocs(s, 50), s.Name)
	}
}
