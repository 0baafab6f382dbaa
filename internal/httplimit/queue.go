package httplimit

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// What Join fails with.
var (
	ErrFull     = errors.New("the queue is full")
	ErrDraining = errors.New("the server is about to stop")
)

// Queue lets a number of jobs run at once and more wait, of each client and in
// all. Clients take turns by start-time fair queueing (Goyal et al. 1996): whoever
// comes after a client that has just had a turn goes first, so that a client
// with one job waits for at most one turn of each other.
type Queue struct {
	mu     sync.Mutex
	free   int // jobs that may start
	each   int // jobs of a client that may wait
	room   int // jobs in all that may wait
	closed bool

	lines   map[string]*line
	clock   int // when the turn that began last was due
	came    int // counts clients as they come to wait
	waiting int
	running int
	idle    sync.Cond // signalled when no job runs
}

// line is a client that waits, or that had a turn not long ago.
type line struct {
	tickets []*Ticket
	start   int // when its next turn is due, by the queue's clock
	came    int // orders those that are due at once
}

// A turn moves its client's next one back by turnTicks, and the clock on by one
// tick at least: a client is overtaken by no more than that many new ones.
const turnTicks = 64

// Ticket is a job's place in the queue.
type Ticket struct {
	q      *Queue
	client string
	ready  chan struct{} // closed when the job may start
}

// NewQueue returns a queue that runs running jobs at once. Each client may have
// each waiting jobs, and all clients together room.
func NewQueue(running, each, room int) *Queue {
	q := &Queue{free: running, each: each, room: room, lines: make(map[string]*line)}
	q.idle.L = &q.mu
	return q
}

// Join takes a place, or fails at once: ErrFull, ErrDraining. Its caller must
// Wait, and then Leave if Wait gave no error.
func (q *Queue) Join(client string) (*Ticket, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrDraining
	}
	l := q.lines[client]
	if q.free == 0 && (q.waiting >= q.room || l != nil && len(l.tickets) >= q.each) {
		return nil, ErrFull
	}
	if l == nil {
		l = new(line)
		q.lines[client] = l
	}
	t := &Ticket{q, client, make(chan struct{})}
	l.tickets = append(l.tickets, t)
	if len(l.tickets) == 1 {
		q.due(l)
	}
	q.waiting++
	if q.free > 0 { // then none waits
		q.free--
		q.running++
		q.start(l)
	}
	return t, nil
}

// due sets when the next turn of a client is.
func (q *Queue) due(l *line) {
	l.start = max(l.start, q.clock)
	q.came++
	l.came = q.came
}

// start begins a client's turn.
func (q *Queue) start(l *line) {
	t := l.tickets[0]
	q.clock = max(q.clock+1, l.start)
	l.start += turnTicks
	q.remove(t)
	if len(l.tickets) > 0 {
		q.due(l)
	}
	close(t.ready)
	for client := range q.lines {
		q.forget(client)
	}
}

// forget drops a client that does not wait and whose last turn was long ago.
func (q *Queue) forget(client string) {
	if l := q.lines[client]; len(l.tickets) == 0 && l.start <= q.clock {
		delete(q.lines, client)
	}
}

// Wait returns when the job may start, or gives the place up when ctx ends.
func (t *Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
	}
	q := t.q
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-t.ready: // both happened
		q.next()
	default:
		q.remove(t)
		q.forget(t.client)
	}
	return ctx.Err()
}

// Leave ends the job.
func (t *Ticket) Leave() {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	t.q.next()
}

// next hands the place of a job that ended to the client whose turn it is.
func (q *Queue) next() {
	var next *line
	for _, l := range q.lines {
		if len(l.tickets) > 0 && (next == nil || l.start < next.start || l.start == next.start && l.came < next.came) {
			next = l
		}
	}
	if next != nil {
		q.start(next)
		return
	}
	q.free++
	if q.running--; q.running == 0 {
		clear(q.lines)
		q.clock = 0
		q.idle.Broadcast()
	}
}

// remove takes a ticket out that waits.
func (q *Queue) remove(t *Ticket) {
	l := q.lines[t.client]
	i := slices.Index(l.tickets, t)
	l.tickets = slices.Delete(l.tickets, i, i+1)
	q.waiting--
}

// Close lets no more jobs join; those that did go on.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// Wait returns when no job runs and none waits.
func (q *Queue) Wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.running > 0 {
		q.idle.Wait()
	}
}

// Load tells how many jobs wait and run, and if more may join.
func (q *Queue) Load() (waiting, running int, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.running, !q.closed
}
