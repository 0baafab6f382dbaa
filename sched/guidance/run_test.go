package guidance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var levels = []float64{10, 8, 6, 4, 2, 0}

func scales(s Settings, scale float64) []float64 {
	r, out := NewRun[float32](s, scale, levels, 1), []float64(nil)
	for _, sigma := range levels[:5] {
		out = append(out, r.Scale(sigma))
	}
	return out
}

func TestScales(t *testing.T) {
	require.Equal(t, []float64{5, 5, 5, 5, 5}, scales(Settings{}, 5))
	require.Equal(t, []float64{1, 3, 5, 7, 9}, scales(Settings{Schedule: Linear}, 5))
	require.InDeltaSlice(t, []float64{1, 5 - 4/1.4142135623730951, 5, 5 + 4/1.4142135623730951, 9}, scales(Settings{Schedule: Cosine}, 5), 1e-12)
	require.Equal(t, []float64{7, 6, 5, 3, 1}, scales(Settings{Scales: []float64{7, 5, 1}}, 2))
	require.Equal(t, []float64{7, 6, 5, 4, 3}, scales(Settings{Scales: []float64{7, 6, 5, 4, 3}}, 2))
	require.Equal(t, []float64{3, 3, 3, 3, 3}, scales(Settings{Scales: []float64{3}}, 2))
	require.Equal(t, []float64{1, 5, 5, 5, 1}, scales(Settings{Interval: []float64{0.2, 0.8}}, 5))
	require.Equal(t, []float64{1, 5, 5, 1, 1}, scales(Settings{Sigmas: []float64{4, 8}}, 5), "the higher included")
	require.InDeltaSlice(t, []float64{3, 2.4, 1.8, 1.2, 0.6}, scales(Settings{Method: MethodCFGPP}, 0.6), 1e-12)
	// Between two levels, as a sampler of second order asks, the step is that it began in.
	r := NewRun[float32](Settings{Interval: []float64{0.2, 0.8}}, 5, levels, 1)
	require.Equal(t, []float64{1, 5, 5, 1}, []float64{r.Scale(9), r.Scale(7), r.Scale(3), r.Scale(1)})
}

func TestRests(t *testing.T) {
	rests := func(s Settings) bool { return NewRun[float32](s, 5, levels, 1).Rests() }
	require.False(t, rests(Settings{}))
	require.False(t, rests(Settings{Rescale: 0.5}))
	require.True(t, rests(Settings{Interval: []float64{0.2, 0.8}}))
	require.True(t, rests(Settings{Schedule: Linear}), "which begins at 1")
	require.True(t, rests(Settings{Scales: []float64{4, 1}}))
}

// What guides are for: each holds back what a high scale does.
func TestEffects(t *testing.T) {
	n := 256
	sides := func() *Sides[float64] {
		s := &Sides[float64]{X: make([]float64, n), Negative: make([]float64, n), Positive: make([]float64, n), Out: 1, Scale: 12, Channels: 4}
		for i := range n {
			s.Negative[i] = float64(i*7919%101)/50 - 1
			s.Positive[i] = 1.3*s.Negative[i] + float64(i*104729%89)/89
		}
		return s
	}
	guided := func(settings Settings) ([]float64, *Sides[float64]) {
		s, dst := sides(), make([]float64, n)
		New[float64](settings)(dst, s)
		return dst, s
	}
	plain, s := guided(Settings{})
	require.Greater(t, deviation(plain), 3*deviation(s.Positive))
	full, s := guided(Settings{Rescale: 1})
	require.InDelta(t, deviation(s.Positive), deviation(full), 1e-12)
	half, s := guided(Settings{Rescale: 0.5})
	require.InDelta(t, (deviation(s.Positive)+deviation(plain))/2, deviation(half), 1e-9)

	// Nothing of what APG with eta 0 adds lies along the positive side.
	projected, s := guided(Settings{Method: MethodAPG, APG: &APG{}})
	along := 0.0
	for i, p := range s.Positive {
		along += (projected[i] - s.Negative[i]) * p
	}
	require.InDelta(t, 0, along, 1e-9)
	bounded, s := guided(Settings{Method: MethodAPG, APG: &APG{Eta: 1, Norm: 2}})
	sum := 0.0
	for i, u := range s.Negative {
		sum += (bounded[i] - u) * (bounded[i] - u)
	}
	require.InDelta(t, 24*24, sum, 1e-9)
	same, _ := guided(Settings{Method: MethodAPG, APG: &APG{Eta: 1}})
	require.InDeltaSlice(t, plain, same, 1e-12)

	cut, _ := guided(Settings{Threshold: 0.9})
	for _, v := range cut {
		require.LessOrEqual(t, max(v, -v), 1+1e-12)
	}
	mimicked, s := guided(Settings{Mimic: 3})
	s.Scale = 3
	low := make([]float64, n)
	CFG(low, s)
	for from := 0; from < n; from += n / 4 {
		require.InDelta(t, reach(low[from:from+n/4]), reach(mimicked[from:from+n/4]), 0.2)
		require.Less(t, reach(mimicked[from:from+n/4]), 0.5*reach(plain[from:from+n/4]))
	}
}

func TestConstantsGiveNoNaN(t *testing.T) {
	for _, settings := range []Settings{{Rescale: 0.7}, {Method: MethodAPG}, {Threshold: 0.9}, {Mimic: 2}} {
		s := &Sides[float32]{X: make([]float32, 8), Negative: make([]float32, 8), Positive: make([]float32, 8), Skip: 1, Out: -1, Scale: 5, Channels: 4}
		New[float32](settings)(s.Negative, s)
		require.Equal(t, make([]float32, 8), s.Negative)
	}
}

func TestValidate(t *testing.T) {
	require.NoError(t, Settings{}.Validate(5))
	require.True(t, Settings{}.IsZero())
	err := Settings{
		Method: "magic", Rescale: 2, Schedule: "steep", Scales: []float64{1}, Interval: []float64{0.8, 0.2}, Sigmas: []float64{1},
		Threshold: -1, Mimic: -1, APG: &APG{Norm: -1, Momentum: 1},
	}.Validate(5)
	for _, want := range []string{
		`guidance is "magic", want cfg, cfg++, apg`, "cfg rescale is 2, want 0 to 1", `cfg schedule is "steep", want constant, linear, cosine`,
		"both a name and numbers", "cfg interval is [0.8 0.2], want two rising shares", "cfg sigmas is [1], want two rising noise levels",
		"threshold is -1", "mimic is -1", "apg norm is -1", "apg momentum is 1", "want that only where guidance is apg",
	} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, Settings{Method: MethodCFGPP}.Validate(5), "cfg is 5, want 0 to 1 for cfg++")
}
