package sched

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// internal/golden/gen/edm_refs.py made the file with diffusers.
func TestEDMAgainstDiffusers(t *testing.T) {
	refs := read[[]struct {
		Config                  json.RawMessage
		Steps                   int
		Sigmas, Timesteps, Last []float64
		InitNoiseSigma          float64 `json:"init_noise_sigma"`
	}](t, "edm.json")
	require.NotEmpty(t, refs)
	for _, r := range refs {
		c := EmptyConfig()
		require.NoError(t, json.Unmarshal(r.Config, &c))
		s, err := c.New(Overrides{}, r.Steps)
		require.NoError(t, err)
		requireRelative(t, r.Sigmas, s.Sigmas, 2e-6)
		require.InDeltaSlice(t, r.Timesteps, s.Timesteps, 1e-6)
		requireRelative(t, []float64{r.InitNoiseSigma}, []float64{s.InitNoiseSigma}, 1e-6)
		x := make([]float32, len(r.Last))
		NewTorchNoise(5).Normal(x)
		for i := range x {
			x[i] *= float32(s.FirstScale())
		}
		network := func(_ context.Context, out, in []float32, time float64) error {
			for i, v := range in {
				out[i] = float32(0.7*math.Tanh(float64(v)) - 0.3*float64(v) + 0.05*time)
			}
			return nil
		}
		run := Run[float32]{X: x, Sigmas: s.Sigmas, Denoise: NewDenoise(network, s.Prediction, s.Time, len(x)), FirstOrderLast: s.FirstOrderLast}
		require.NoError(t, s.Sampler.F32(context.Background(), &run))
		greatest := max(1, slices.Max(r.Last), -slices.Min(r.Last))
		for i, want := range r.Last {
			require.InDelta(t, want, x[i], 2e-5*greatest, "%s, %d steps, number %d", r.Config, r.Steps, i)
		}
	}
}

func TestEDMFaults(t *testing.T) {
	for text, want := range map[string]string{
		`{"sigma_data":-0.7}`: "sigma_data is -0.7, want a positive number", `{"sigma_schedule":"beta"}`: `sigma_schedule is "beta", want karras or exponential`,
		`{"rho":0}`: "rho is 0, want 1 to 100", `{"prediction_type":"sample"}`: `prediction_type is "sample"`, `{"sigma_max":0.001}`: "sigma_max 0.001 is below",
	} {
		c := EmptyConfig()
		c.Class = "EDMEulerScheduler"
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		_, err := c.New(Overrides{}, 5)
		require.ErrorContains(t, err, want)
	}
}

// Every schedule and dialect gives an EDM network times of its own kind.
func TestEDMTimes(t *testing.T) {
	c := EmptyConfig()
	c.Class = "EDMEulerScheduler"
	for _, name := range ScheduleNames() {
		for _, dialect := range DialectNames() {
			s, err := c.New(Overrides{Schedule: name, Dialect: dialect}, 6)
			require.NoError(t, err, "%s, %s", name, dialect)
			require.Len(t, s.Timesteps, len(s.Sigmas)-1)
			for i, time := range s.Timesteps {
				require.InDelta(t, math.Log(s.Sigmas[i])/4, time, 1e-6, "%s, %s", name, dialect)
			}
		}
	}
}

// TestOneStepOfAnExponentialSchedule: diffusers counts its levels up from the lowest,
// and has that one alone. Its timestep is EDMEulerScheduler's.
func TestOneStepOfAnExponentialSchedule(t *testing.T) {
	var c Config
	require.NoError(t, json.Unmarshal([]byte(`{"_class_name":"EDMEulerScheduler","prediction_type":"v_prediction","sigma_data":1,"sigma_max":120,"sigma_min":0.002,"sigma_schedule":"exponential"}`), &c))
	s, err := c.New(Overrides{}, 1)
	require.NoError(t, err)
	require.InDelta(t, -1.553652, s.Timesteps[0], 1e-6)
}
