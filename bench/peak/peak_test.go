package peak

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestArithmetic(t *testing.T) {
	rates, err := Arithmetic(t.Context(), 2, time.Millisecond)
	require.NoError(t, err)
	require.NotEmpty(t, rates)
	for _, r := range rates {
		require.Greater(t, r.Gops, 0.0)
		require.Equal(t, 2, r.Threads)
	}
	best, err := Best(t.Context(), "F32", 1, time.Millisecond)
	require.NoError(t, err)
	require.Greater(t, best, 0.0)
	best, err = Best(t.Context(), "F64", 1, time.Millisecond)
	require.NoError(t, err)
	require.Zero(t, best)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Arithmetic(ctx, 1, time.Hour)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Memory(ctx, 1)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSum(t *testing.T) {
	require.EqualValues(t, 120, sum([]uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}))
}
