package guidance

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuidedByTheLargestScale: a run needs the negative side if any step does.
func TestGuidedByTheLargestScale(t *testing.T) {
	require.True(t, Settings{Scales: []float64{1, 7}}.Guided(0))
	require.True(t, Settings{Scales: []float64{7, 1}}.Guided(0))
	require.False(t, Settings{Scales: []float64{1, 0.5}}.Guided(9))
}

// TestNumbersThatAreNone: infinities and NaN are refused wherever a number stands.
func TestNumbersThatAreNone(t *testing.T) {
	for _, bad := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
		for name, s := range map[string]Settings{
			"mimic": {Mimic: bad}, "threshold": {Threshold: bad}, "rescale": {Rescale: bad}, "scales": {Scales: []float64{1, bad}}, "interval": {Interval: []float64{0, bad}},
			"sigmas": {Sigmas: []float64{bad, 1}}, "eta": {Method: MethodAPG, APG: &APG{Eta: bad}}, "norm": {Method: MethodAPG, APG: &APG{Norm: bad}}, "momentum": {Method: MethodAPG, APG: &APG{Momentum: bad}},
		} {
			require.Error(t, s.Validate(7), "%s of %g", name, bad)
		}
	}
}

// TestBoundsOfSettings: each number at its ends, and one past them.
func TestBoundsOfSettings(t *testing.T) {
	apg := func(a APG) Settings { return Settings{Method: MethodAPG, APG: &a} }
	for _, c := range []struct {
		settings Settings
		scale    float64
		ok       bool
	}{
		{apg(APG{Momentum: -1}), 7, false}, {apg(APG{Momentum: -0.999}), 7, true}, {apg(APG{Momentum: 0.999}), 7, true}, {apg(APG{Momentum: 1}), 7, false},
		{apg(APG{Norm: 0}), 7, true}, {apg(APG{Norm: -0.001}), 7, false}, {apg(APG{Eta: -5}), 7, true},
		{Settings{Rescale: 1}, 7, true}, {Settings{Rescale: 1.001}, 7, false}, {Settings{Rescale: -0.001}, 7, false},
		{Settings{Threshold: 1}, 7, true}, {Settings{Threshold: 1.001}, 7, false}, {Settings{Mimic: 0.001}, 7, true}, {Settings{Mimic: -0.001}, 7, false},
		{Settings{Interval: []float64{0, 1}}, 7, true}, {Settings{Interval: []float64{0.5, 0.5}}, 7, false}, {Settings{Interval: []float64{0, 1.001}}, 7, false}, {Settings{Interval: []float64{-0.001, 1}}, 7, false}, {Settings{Interval: []float64{0}}, 7, false},
		{Settings{Method: MethodCFGPP}, 0, true}, {Settings{Method: MethodCFGPP}, 1, true}, {Settings{Method: MethodCFGPP}, 1.001, false}, {Settings{Method: MethodCFGPP}, -0.001, false},
		{Settings{Scales: []float64{-3, 0}}, 7, true}, {Settings{Method: MethodCFGPP, Scales: []float64{0.5}}, 0.5, false}, {Settings{APG: &APG{}}, 7, false},
	} {
		err := c.settings.Validate(c.scale)
		if c.ok != (err == nil) {
			t.Errorf("%+v, %g: %v", c.settings, c.scale, err)
		}
	}
	require.InDelta(t, 0.6, Settings{Method: MethodCFGPP}.DefaultScale(7), 0)
	require.InDelta(t, 7, Settings{}.DefaultScale(7), 0)
	require.False(t, Settings{}.Guided(1))
	require.True(t, Settings{}.Guided(1.001))
	require.True(t, Settings{Method: MethodCFGPP}.Guided(0))
}
