package httplimit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBudget(t *testing.T) {
	b := NewBudget(100, 10)
	require.NoError(t, b.Take("a", 50))
	require.ErrorIs(t, b.Take("a", 1), ErrNoRoom, "half of it is a client's")
	require.NoError(t, b.Take("b", 40))
	require.NoError(t, b.Take("c", 10))
	require.ErrorIs(t, b.Take("d", 1), ErrNoRoom)
	b.Give("c", 10)
	require.NoError(t, b.Take("d", 10))
	b.Give("a", 50)
	b.Give("b", 40)
	b.Give("d", 10)
	require.Empty(t, b.clients)
	require.Equal(t, int64(100), b.free)
	require.NoError(t, NewBudget(100, 80).Take("a", 80), "one body of the largest size always fits")
	require.ErrorIs(t, NewBudget(100, 80).Take("a", 81), ErrNoRoom)
}
