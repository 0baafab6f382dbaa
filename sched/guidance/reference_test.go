package guidance

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
)

// read decodes a file that internal/golden/gen/guidance_refs.py made.
func read[T any](t *testing.T, name string) (v T) {
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}

type reference struct {
	Name             string
	Scale, Skip, Out float64
	Settings         Settings
	Steps            []struct{ X, Negative, Positive, Guided []float64 }
}

func TestGuidesAgainstDiffusers(t *testing.T) {
	cases := read[[]reference](t, "guides.json")
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			require.NoError(t, c.Settings.Validate(c.Scale))
			requireGuided[float64](t, c, 1e-6)
			requireGuided[float32](t, c, 5e-6)
		})
	}
}

func requireGuided[T sched.Float](t *testing.T, c reference, bound float64) {
	guide := New[T](c.Settings)
	for i, step := range c.Steps {
		s := &Sides[T]{X: cast[T](step.X), Negative: cast[T](step.Negative), Positive: cast[T](step.Positive), Skip: c.Skip, Out: c.Out, Scale: c.Scale, Channels: 4}
		positive := cast[T](step.Positive)
		guide(s.Negative, s) // in place, as the denoiser does
		require.Equal(t, positive, s.Positive)
		require.Equal(t, cast[T](step.X), s.X)
		largest := 0.0
		for _, v := range step.Guided {
			largest = max(largest, v, -v)
		}
		for j, want := range step.Guided {
			require.InDelta(t, want, float64(s.Negative[j]), bound*largest, "step %d, number %d", i, j)
		}
	}
}

func cast[T sched.Float](v []float64) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// Euler's steps under the scales of cfg++ are the paper's algorithm.
func TestPlusPlusIsThePapersAlgorithm(t *testing.T) {
	ref := read[struct {
		Sigmas, Start, Mean []float64
		Runs                []struct {
			Scale  float64
			States [][]float64
		}
	}](t, "cfgpp.json")
	require.Len(t, ref.Runs, 3)
	for _, r := range ref.Runs {
		run := NewRun[float64](Settings{Method: MethodCFGPP}, r.Scale, ref.Sigmas, 1)
		x := append([]float64(nil), ref.Start...)
		err := sched.Euler(context.Background(), &sched.Run[float64]{X: x, Sigmas: ref.Sigmas,
			Denoise: func(_ context.Context, denoised, x []float64, sigma float64) error {
				s := &Sides[float64]{X: x, Negative: normal(x, sigma, make([]float64, len(x)), 1.3), Positive: normal(x, sigma, ref.Mean, 0.4), Out: 1, Scale: run.Scale(sigma)}
				run.Guide(0, denoised, s)
				return nil
			},
			OnStep: func(i int, x, _ []float64) error {
				require.InDeltaSlice(t, r.States[i], x, 1e-10)
				return nil
			},
		})
		require.NoError(t, err)
	}
}

// normal is the estimate of x0 of a normal distribution.
func normal(x []float64, sigma float64, mean []float64, c float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = (v*c*c + mean[i]*sigma*sigma) / (c*c + sigma*sigma)
	}
	return out
}
