package parallel

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRunCallsEachUnitOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := New(threads)
		for _, units := range []int{0, 1, 2, 7, 1000} {
			calls := make([]atomic.Int32, units)
			require.NoError(t, p.Run(context.Background(), units, func(w, u int) {
				require.Less(t, w, threads)
				calls[u].Add(1)
			}))
			for u := range calls {
				require.EqualValues(t, 1, calls[u].Load(), "unit %d of %d on %d threads", u, units, threads)
			}
		}
		p.Close()
	}
}

// TestRunAfterRest: workers are found whether they are asleep or still looking for work.
func TestRunAfterRest(t *testing.T) {
	p := New(3)
	defer p.Close()
	var calls atomic.Int64
	for i := range 60 {
		require.NoError(t, p.Run(context.Background(), 1+i%5, func(_, _ int) { calls.Add(1) }))
		time.Sleep(time.Duration(i%3) * patience)
	}
	require.EqualValues(t, 60*3, calls.Load())
}

func TestRunStopsWhenCancelled(t *testing.T) {
	p := New(2)
	defer p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var ran atomic.Int64
	err := p.Run(ctx, 1_000_000, func(_, u int) {
		if ran.Add(1) == 10 {
			cancel()
		}
		time.Sleep(time.Millisecond)
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, ran.Load(), int64(20))
}

func TestRunReportsPanics(t *testing.T) {
	p := New(2)
	defer p.Close()
	boom := errors.New("boom")
	err := p.Run(context.Background(), 8, func(_, u int) {
		if u == 3 {
			panic(boom)
		}
	})
	var fault *Fault
	require.ErrorAs(t, err, &fault)
	require.ErrorIs(t, err, boom)
	require.NoError(t, p.Run(context.Background(), 8, func(_, _ int) {}), "the pool works on")
}

func TestRunDoesNotAllocate(t *testing.T) {
	p := New(2)
	defer p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	task := func(_, _ int) {}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = p.Run(ctx, 16, task) }))
}
