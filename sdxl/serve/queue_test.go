package serve

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func join(t *testing.T, q *queue, client string) *ticket {
	ticket, err := q.join(client)
	require.NoError(t, err)
	return ticket
}

func started(t *ticket) bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

func TestQueueTakesTurns(t *testing.T) {
	q := newQueue(1, 6)
	running := join(t, q, "x")
	var order []*ticket
	a := []*ticket{join(t, q, "a"), join(t, q, "a"), join(t, q, "a")}
	b := []*ticket{join(t, q, "b"), join(t, q, "b")}
	c := join(t, q, "c")
	order = append(order, a[0], b[0], c, a[1], b[1], a[2])
	_, err := q.join("d")
	require.ErrorIs(t, err, errFull)
	for i, next := range order {
		running.leave()
		for j, other := range order {
			require.Equal(t, j <= i, started(other), "%d of %d", j, i)
		}
		running = next
	}
	running.leave()
	waiting, run, open := q.load()
	require.Equal(t, []any{0, 0, true}, []any{waiting, run, open})
	require.Empty(t, q.lines)
	require.Empty(t, q.turns)
}

func TestQueueGivesUpPlaces(t *testing.T) {
	q := newQueue(1, 2)
	running := join(t, q, "a")
	gone, last := join(t, q, "b"), join(t, q, "b")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, gone.wait(ctx), context.Canceled)
	join(t, q, "c")
	running.leave()
	require.True(t, started(last))
	require.NoError(t, last.wait(context.Background()))
}

func TestQueueDrains(t *testing.T) {
	q := newQueue(1, 2)
	running, waits := join(t, q, "a"), join(t, q, "b")
	q.close()
	_, err := q.join("c")
	require.ErrorIs(t, err, errDraining)
	running.leave()
	require.True(t, started(waits), "who waits still has a turn")
}

// TestQueueRunsNoMoreThanItMay has clients come and leave at once; run it with -race.
func TestQueueRunsNoMoreThanItMay(t *testing.T) {
	const most = 3
	q := newQueue(most, 1000)
	var mu sync.Mutex
	running, ran := 0, 0
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			ticket, err := q.join(string(rune('a' + i%7)))
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if i%5 == 0 {
				go cancel()
			}
			if ticket.wait(ctx) != nil {
				return
			}
			defer ticket.leave()
			mu.Lock()
			if running++; running > most {
				t.Error("too many")
			}
			ran++
			mu.Unlock()
			mu.Lock()
			running--
			mu.Unlock()
		})
	}
	wg.Wait()
	require.GreaterOrEqual(t, ran, 240)
	require.Equal(t, most, q.free)
	waiting, run, _ := q.load()
	require.Zero(t, waiting+run)
}
