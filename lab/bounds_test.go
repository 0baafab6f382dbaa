package lab

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
)

// TestPlainRunsAreToldNothing of the noise and the order that a model's options
// ask for: a reference is the solution whatever they are.
func TestPlainRunsAreToldNothing(t *testing.T) {
	var told *sched.Run[float32]
	s := plain(sched.Sampler{Name: "s", F32: func(_ context.Context, r *sched.Run[float32]) error {
		told = r
		return nil
	}})
	require.NoError(t, s.F32(t.Context(), &sched.Run[float32]{
		X: []float32{1}, Sigmas: []float64{1, 0}, Eta: new(0.5), SNoise: new(2.0), Churn: sched.Churn{Amount: 1}, Restart: &sched.Restart{Steps: 2}, Order: 3,
	}))
	require.Equal(t, []float64{1, 0}, told.Sigmas)
	require.Nil(t, told.Eta)
	require.Nil(t, told.SNoise)
	require.Nil(t, told.Restart)
	require.Zero(t, told.Churn)
	require.Zero(t, told.Order)
}
