// Package parallel runs the work units of kernels on a fixed set of goroutines.
package parallel

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is a set of goroutines that wait for work. Run may be called from
// several goroutines; the calls take turns.
type Pool struct {
	threads int
	mu      sync.Mutex // held for one Run
	start   chan int   // worker number; one send starts one worker
	done    sync.WaitGroup
	busy    atomic.Int64 // workers that were started and are not done

	// The work of the current Run.
	ctx   context.Context
	task  func(worker, unit int)
	units int64
	next  atomic.Int64
	fault atomic.Pointer[Fault]
}

// New returns a pool of n goroutines, counting the caller of Run; n <= 0 is GOMAXPROCS.
func New(n int) *Pool {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	p := &Pool{threads: n, start: make(chan int, n-1)}
	for range n - 1 {
		go p.serve()
	}
	return p
}

// patience is how long a goroutine looks for what it waits for before it
// sleeps: to wake one up takes longer than many a Run.
const patience = 50 * time.Microsecond

// await looks for a condition for a while.
func await(ready func() bool) {
	for start := time.Now(); time.Since(start) < patience; runtime.Gosched() {
		for range 100 { // looks between which others may run
			if ready() {
				return
			}
		}
	}
}

// serve works whenever it is started.
func (p *Pool) serve() {
	started := func() bool { return len(p.start) > 0 }
	for {
		await(started)
		w, ok := <-p.start
		if !ok {
			return
		}
		p.work(w)
		p.busy.Add(-1)
		p.done.Done()
	}
}

// Threads returns the number of workers; worker numbers are below it.
func (p *Pool) Threads() int { return p.threads }

// Run calls task for every unit below units, each once, on all workers, and
// returns when all are done. It stops between units when ctx is cancelled, and
// reports a panicking unit as a *Fault. It does not allocate.
func (p *Pool) Run(ctx context.Context, units int, task func(worker, unit int)) error {
	if units <= 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.task, p.units = ctx, task, int64(units)
	p.next.Store(0)
	p.fault.Store(nil)
	helpers := min(p.threads, units) - 1
	p.done.Add(helpers)
	p.busy.Store(int64(helpers))
	for w := range helpers {
		p.start <- w + 1
	}
	p.work(0)
	await(func() bool { return p.busy.Load() == 0 })
	p.done.Wait()
	p.ctx, p.task = nil, nil
	if f := p.fault.Load(); f != nil {
		return f
	}
	return ctx.Err()
}

func (p *Pool) work(worker int) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			p.fault.CompareAndSwap(nil, &Fault{r, debug.Stack()})
			p.next.Store(p.units)
		}
	}()
	for p.ctx.Err() == nil {
		u := p.next.Add(1) - 1
		if u >= p.units {
			return
		}
		p.task(worker, int(u))
	}
}

// Close ends the goroutines. No Run may be under way or follow.
func (p *Pool) Close() { close(p.start) }
