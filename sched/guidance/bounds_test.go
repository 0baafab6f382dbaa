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
