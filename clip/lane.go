package clip

import (
	"context"
	"slices"
	"sync"
)

// item is a text or a picture on its way through a tower.
type item struct {
	job    *job
	ids    []int32   // of a text
	pixels []float32 // of a picture
	dst    []float32 // where its vector goes
}

// job is the items of one call.
type job struct {
	left int // items that are not done
	err  error
	done chan struct{} // closed when left is 0, or the job failed
	over bool          // done is closed, or the caller has gone
}

// lane takes the items of many calls through a tower, in batches. While one
// batch is computed, calls that come meanwhile wait, and go together in the next.
type lane struct {
	run func(ctx context.Context, batch []*item) ([]float32, error) // vectors, one after the other
	cut func(sorted []*item, first int) (from, to int)              // the batch around an item of some that are sorted by length

	mu      sync.Mutex
	waiting []*item
	busy    bool
	worker  sync.WaitGroup     // goes on for a moment after its last caller has left
	current []*item            // the batch that is computed
	stop    context.CancelFunc // ends it
}

// window is how many waiting items a batch is chosen from.
const window = 512

// do takes items through the tower. It returns when their vectors are in place,
// or soon after ctx is cancelled; what the vectors are is then undefined.
func (l *lane) do(ctx context.Context, items []*item) error {
	if len(items) == 0 {
		return ctx.Err()
	}
	j := &job{left: len(items), done: make(chan struct{})}
	for _, it := range items {
		it.job = j
	}
	l.mu.Lock()
	l.waiting = append(l.waiting, items...)
	if !l.busy {
		l.busy = true
		l.worker.Go(l.work)
	}
	l.mu.Unlock()
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		l.leave(j)
		return ctx.Err()
	}
}

// leave forgets a job whose caller has gone.
func (l *lane) leave(j *job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(j, nil)
	if l.stop != nil && !slices.ContainsFunc(l.current, func(it *item) bool { return !it.job.over }) {
		l.stop() // nobody waits for the batch
	}
}

// end finishes a job, and takes what is left of it from those that wait.
func (l *lane) end(j *job, err error) {
	if j.over {
		return
	}
	j.err, j.over = err, true
	close(j.done)
	l.waiting = slices.DeleteFunc(l.waiting, func(it *item) bool { return it.job == j })
}

// work computes batches until nothing waits.
func (l *lane) work() {
	for {
		ctx, batch := l.next()
		if batch == nil {
			return
		}
		vectors, err := l.run(ctx, batch)
		l.finish(batch, vectors, err)
	}
}

// next chooses the batch to compute: the one with an item of the job that has
// the fewest left, so that a short call does not wait for a long one.
func (l *lane) next() (context.Context, []*item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.busy = false
		return nil, nil
	}
	near := slices.Clone(l.waiting)
	slices.SortStableFunc(near, func(a, b *item) int { return a.job.left - b.job.left })
	first := near[0]
	near = near[:min(len(near), window)]
	slices.SortStableFunc(near, func(a, b *item) int { return len(a.ids) - len(b.ids) })
	from, to := l.cut(near, slices.Index(near, first))
	batch := near[from:to]
	taken := make(map[*item]bool, len(batch))
	for _, it := range batch {
		taken[it] = true
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(it *item) bool { return taken[it] })
	ctx, stop := context.WithCancel(context.Background())
	l.current, l.stop = batch, stop
	return ctx, batch
}

// finish hands out the vectors of a batch, or its error.
func (l *lane) finish(batch []*item, vectors []float32, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	l.current, l.stop = nil, nil
	for i, it := range batch {
		switch j := it.job; {
		case j.over: // its memory is no longer ours to write
		case err != nil:
			l.end(j, err)
		default:
			width := len(vectors) / len(batch)
			normalise(it.dst, vectors[i*width:(i+1)*width])
			if j.left--; j.left == 0 {
				l.end(j, nil)
			}
		}
	}
}
