package serve

import (
	"context"
	"errors"
	"slices"
	"sync"
)

var (
	errFull     = errors.New("the queue is full")
	errDraining = errors.New("the server is about to stop")
)

// queue lets so many jobs run at once and so many wait. Clients take turns:
// whoever asks for much waits behind whoever asks for little.
type queue struct {
	mu     sync.Mutex
	free   int // jobs that may start
	room   int // jobs that may wait
	closed bool

	lines   map[string][]*ticket // of each client that waits, its jobs in order
	turns   []string             // clients that wait, the next one first
	waiting int
	running int
	idle    sync.Cond // signalled when no job runs
}

// ticket is a job's place in the queue.
type ticket struct {
	q      *queue
	client string
	ready  chan struct{} // closed when the job may start
}

func newQueue(running, waiting int) *queue {
	q := &queue{free: running, room: waiting, lines: make(map[string][]*ticket)}
	q.idle.L = &q.mu
	return q
}

// join takes a place, or fails at once: errFull, errDraining. Its caller must
// wait, and then leave if wait gave no error.
func (q *queue) join(client string) (*ticket, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &ticket{q, client, make(chan struct{})}
	switch {
	case q.closed:
		return nil, errDraining
	case q.free > 0: // then none waits
		q.free--
		q.running++
		close(t.ready)
		return t, nil
	case q.waiting >= q.room:
		return nil, errFull
	}
	if len(q.lines[client]) == 0 {
		q.turns = append(q.turns, client)
	}
	q.lines[client] = append(q.lines[client], t)
	q.waiting++
	return t, nil
}

// wait returns when the job may start, or gives the place up when ctx ends.
func (t *ticket) wait(ctx context.Context) error {
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
	}
	return ctx.Err()
}

// leave ends the job.
func (t *ticket) leave() {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	t.q.next()
}

// next hands the place of a job that ended to the client whose turn it is.
func (q *queue) next() {
	if len(q.turns) == 0 {
		q.free++
		if q.running--; q.running == 0 {
			q.idle.Broadcast()
		}
		return
	}
	client := q.turns[0]
	t := q.lines[client][0]
	q.remove(t)
	if len(q.lines[client]) > 0 {
		q.turns = append(q.turns[1:], client)
	}
	close(t.ready)
}

// remove takes a waiting ticket out.
func (q *queue) remove(t *ticket) {
	line := q.lines[t.client]
	i := slices.Index(line, t)
	line = slices.Delete(line, i, i+1)
	q.lines[t.client] = line
	q.waiting--
	if len(line) == 0 {
		delete(q.lines, t.client)
		q.turns = slices.DeleteFunc(q.turns, func(c string) bool { return c == t.client })
	}
}

// close lets no more jobs join; those that did go on.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// wait returns when no job runs and none waits.
func (q *queue) wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.running > 0 {
		q.idle.Wait()
	}
}

// load tells how many jobs wait and run, and if more may join.
func (q *queue) load() (waiting, running int, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.running, !q.closed
}
