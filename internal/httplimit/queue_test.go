package httplimit

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func join(t *testing.T, q *Queue, client string) *Ticket {
	ticket, err := q.Join(client)
	require.NoError(t, err)
	return ticket
}

func started(t *Ticket) bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

func TestQueueTakesTurns(t *testing.T) {
	q := NewQueue(1, 6, 6)
	running := join(t, q, "x")
	var order []*Ticket
	a := []*Ticket{join(t, q, "a"), join(t, q, "a"), join(t, q, "a")}
	b := []*Ticket{join(t, q, "b"), join(t, q, "b")}
	c := join(t, q, "c")
	order = append(order, a[0], b[0], c, a[1], b[1], a[2])
	_, err := q.Join("d")
	require.ErrorIs(t, err, ErrFull)
	for i, next := range order {
		running.Leave()
		for j, other := range order {
			require.Equal(t, j <= i, started(other), "%d of %d", j, i)
		}
		running = next
	}
	running.Leave()
	waiting, run, open := q.Load()
	require.Equal(t, []any{0, 0, true}, []any{waiting, run, open})
	require.Empty(t, q.lines)
}

func TestQueueGivesUpPlaces(t *testing.T) {
	q := NewQueue(1, 2, 2)
	running := join(t, q, "a")
	gone, last := join(t, q, "b"), join(t, q, "b")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, gone.Wait(ctx), context.Canceled)
	join(t, q, "c")
	running.Leave()
	require.True(t, started(last))
	require.NoError(t, last.Wait(context.Background()))
}

func TestQueueDrains(t *testing.T) {
	q := NewQueue(1, 2, 2)
	running, waits := join(t, q, "a"), join(t, q, "b")
	q.Close()
	_, err := q.Join("c")
	require.ErrorIs(t, err, ErrDraining)
	running.Leave()
	require.True(t, started(waits), "who waits still has a turn")
}

// TestQueueRunsNoMoreThanItMay has clients come and leave at once; run it with -race.
func TestQueueRunsNoMoreThanItMay(t *testing.T) {
	const most = 3
	q := NewQueue(most, 1000, 1000)
	var mu sync.Mutex
	running, ran := 0, 0
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			ticket, err := q.Join(string(rune('a' + i%7)))
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if i%5 == 0 {
				go cancel()
			}
			if ticket.Wait(ctx) != nil {
				return
			}
			defer ticket.Leave()
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
	waiting, run, _ := q.Load()
	require.Zero(t, waiting+run)
}

// order runs the jobs of a queue of one place, one after another, and returns
// their names as they came.
func order(q *Queue, running *Ticket, jobs map[string]*Ticket) (names []string) {
	for running.Leave(); len(jobs) > 0; running.Leave() {
		for name, job := range jobs {
			if started(job) {
				names, running = append(names, name), job
				delete(jobs, name)
			}
		}
	}
	return names
}

// TestOneWaitsForOneTurnOfAnother: who comes while another's job runs goes
// before the other's next one.
func TestOneWaitsForOneTurnOfAnother(t *testing.T) {
	q := NewQueue(1, 8, 64)
	running := join(t, q, "flood")
	jobs := make(map[string]*Ticket)
	for _, name := range []string{"flood 1", "flood 2", "flood 3"} {
		jobs[name] = join(t, q, "flood")
	}
	jobs["one"] = join(t, q, "one")
	jobs["two"] = join(t, q, "two")
	require.Equal(t, []string{"one", "two", "flood 1", "flood 2", "flood 3"}, order(q, running, jobs))
	require.Empty(t, q.lines)
}

// TestManyNewClientsDoNotStarveOne: a client that has had a turn is overtaken by
// a bounded number of new ones.
func TestManyNewClientsDoNotStarveOne(t *testing.T) {
	q := NewQueue(1, 8, 64)
	running := join(t, q, "old")
	old := join(t, q, "old")
	for turns := 0; !started(old); turns++ {
		require.LessOrEqual(t, turns, turnTicks)
		next := join(t, q, fmt.Sprint("new ", turns))
		running.Leave()
		running = next
		require.LessOrEqual(t, len(q.lines), 2*turnTicks)
	}
	require.Greater(t, len(q.lines), 2, "they are remembered while it matters")
}

// TestShares: a client that floods the queue takes no place from another.
func TestShares(t *testing.T) {
	q := NewQueue(1, 2, 5)
	join(t, q, "a")
	for _, client := range []string{"a", "b"} {
		join(t, q, client)
		join(t, q, client)
		_, err := q.Join(client)
		require.ErrorIs(t, err, ErrFull, client)
	}
	c := join(t, q, "c")
	for _, client := range []string{"c", "d"} {
		_, err := q.Join(client)
		require.ErrorIs(t, err, ErrFull, "there is no room in all")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Error(t, c.Wait(ctx))
	require.NotContains(t, q.lines, "c")
	join(t, q, "d")
}

// TestReadyAndCancelledAtOnce: a job that is let in as its client leaves hands
// its place on.
func TestReadyAndCancelledAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 200 { // select takes either way
		q := NewQueue(1, 2, 2)
		running, waits := join(t, q, "a"), join(t, q, "b")
		running.Leave()
		require.True(t, started(waits))
		if waits.Wait(ctx) == nil {
			waits.Leave()
		}
		require.Equal(t, 1, q.free)
	}
}

// TestQueueWaits: its end is that of the last job.
func TestQueueWaits(t *testing.T) {
	q := NewQueue(2, 2, 2)
	q.Wait()
	first, second := join(t, q, "a"), join(t, q, "b")
	third := join(t, q, "b")
	require.Equal(t, []bool{true, true, false}, []bool{started(first), started(second), started(third)})
	waiting, running, _ := q.Load()
	require.Equal(t, []int{1, 2}, []int{waiting, running})
	ended := make(chan struct{})
	go func() { q.Wait(); close(ended) }()
	for _, job := range []*Ticket{first, second, third} {
		select {
		case <-ended:
			t.Error("a job runs")
		case <-time.After(5 * time.Millisecond):
		}
		job.Leave()
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("no job runs")
	}
	require.Equal(t, 2, q.free)
}
