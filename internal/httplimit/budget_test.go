package httplimit

import (
	"io"
	"strings"
	"sync"
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

// TestBudgetOfBodies: bytes are taken as they come, one more than there is room for
// is none, and closing gives them back once.
func TestBudgetOfBodies(t *testing.T) {
	b := NewBudget(10, 10)
	first := b.Body(strings.NewReader("0123456"), "a")
	data, err := io.ReadAll(first)
	require.NoError(t, err)
	require.Equal(t, "0123456", string(data))
	require.Equal(t, int64(3), b.Free())
	fits := b.Body(strings.NewReader("012"), "b")
	_, err = io.ReadAll(fits)
	require.NoError(t, err)
	require.Zero(t, b.Free())
	data, err = io.ReadAll(b.Body(strings.NewReader("0"), "c"))
	require.ErrorIs(t, err, ErrNoRoom)
	require.Empty(t, data)
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())
	require.Equal(t, int64(7), b.Free())
	require.NoError(t, fits.Close())
	require.Equal(t, int64(10), b.Free())
	require.Empty(t, b.clients)
}

// TestBudgetAtOnce: no byte is lost where many take and give at once; run it with -race.
func TestBudgetAtOnce(t *testing.T) {
	b := NewBudget(1000, 10)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			body := b.Body(strings.NewReader("0123456789"), string(rune('a'+i%5)))
			if _, err := io.ReadAll(body); err != nil {
				t.Error(err)
			}
			b.Free()
			body.Close()
		})
	}
	all.Wait()
	require.Equal(t, int64(1000), b.Free())
	require.Empty(t, b.clients)
}
