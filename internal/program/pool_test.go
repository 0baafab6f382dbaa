package program

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fake is a Kept of some bytes that notes when it is closed and used twice at a time.
type fake struct {
	bytes  int64
	users  atomic.Int32
	closed atomic.Bool
}

func (f *fake) Bytes() int64 { return f.bytes }
func (f *fake) Close() error {
	f.closed.Store(true)
	return nil
}

func maker(made *[]*fake, mu *sync.Mutex, bytes int64) func(context.Context) (*fake, error) {
	return func(context.Context) (*fake, error) {
		mu.Lock()
		defer mu.Unlock()
		f := &fake{bytes: bytes}
		*made = append(*made, f)
		return f, nil
	}
}

func nothing(*fake) error { return nil }

func TestPoolKeepsWhatWasUsedLast(t *testing.T) {
	var made []*fake
	var mu sync.Mutex
	p := Pool[string, *fake]{Limit: 100}
	use := func(key string, bytes int64) {
		require.NoError(t, p.Use(t.Context(), key, maker(&made, &mu, bytes), nothing))
	}
	use("a", 60)
	use("b", 30)
	use("a", 60)
	require.Len(t, made, 2)
	use("c", 30) // a and c fit, b was used longest ago
	require.True(t, made[1].closed.Load())
	require.False(t, made[0].closed.Load())
	use("d", 101) // fits never: nothing else makes place for it
	require.True(t, made[3].closed.Load())
	require.NoError(t, p.Close())
	for i, f := range made {
		require.True(t, f.closed.Load(), i)
	}
	require.ErrorIs(t, p.Use(t.Context(), "a", maker(&made, &mu, 1), nothing), ErrClosed)
}

func TestPoolDropsWhatFailed(t *testing.T) {
	var made []*fake
	var mu sync.Mutex
	p := Pool[int, *fake]{Limit: 100}
	fault := errors.New("fault")
	require.ErrorIs(t, p.Use(t.Context(), 1, maker(&made, &mu, 1), func(*fake) error { return fault }), fault)
	require.True(t, made[0].closed.Load())
	require.ErrorIs(t, p.Use(t.Context(), 1, func(context.Context) (*fake, error) { return nil, fault }, nothing), fault)
	require.Panics(t, func() {
		_ = p.Use(t.Context(), 1, maker(&made, &mu, 1), func(*fake) error { panic("a fault of the caller") })
	})
	require.True(t, made[1].closed.Load())
	require.NoError(t, p.Use(t.Context(), 1, maker(&made, &mu, 1), nothing))
	require.Len(t, made, 3)
}

func TestPoolTakesTurns(t *testing.T) {
	var made []*fake
	var mu sync.Mutex
	p := Pool[int, *fake]{Limit: 1000, Each: 2}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			err := p.Use(t.Context(), 7, maker(&made, &mu, 1), func(f *fake) error {
				defer f.users.Add(-1)
				if f.users.Add(1) != 1 {
					return errors.New("used twice at a time")
				}
				time.Sleep(100 * time.Microsecond)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, len(made), 2)
	require.Empty(t, p.turns)
}

func TestPoolWaitersGoWhenTheyAreCancelled(t *testing.T) {
	var made []*fake
	var mu sync.Mutex
	p := Pool[int, *fake]{Limit: 1000, Each: 1}
	err := p.Use(t.Context(), 1, maker(&made, &mu, 1), func(*fake) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, p.Use(ctx, 1, maker(&made, &mu, 1), nothing), context.DeadlineExceeded)
		require.NoError(t, p.Close()) // what is in use is closed after
		require.False(t, made[0].closed.Load())
		return nil
	})
	require.NoError(t, err)
	require.True(t, made[0].closed.Load())
	require.Empty(t, p.turns)
}
