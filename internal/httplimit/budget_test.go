package httplimit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBudget(t *testing.T) {
	b := NewBudget(100, 10)
	require.NoError(t, b.take("a", 50))
	require.ErrorIs(t, b.take("a", 1), ErrNoRoom, "half of it is a client's")
	require.NoError(t, b.take("b", 40))
	require.NoError(t, b.take("c", 10))
	require.ErrorIs(t, b.take("d", 1), ErrNoRoom)
	b.give("c", 10)
	require.NoError(t, b.take("d", 10))
	b.give("a", 50)
	b.give("b", 40)
	b.give("d", 10)
	require.Empty(t, b.clients)
	require.Equal(t, int64(100), b.free)
	require.NoError(t, NewBudget(100, 80).take("a", 80), "one body of the largest size always fits")
	require.ErrorIs(t, NewBudget(100, 80).take("a", 81), ErrNoRoom)
}
