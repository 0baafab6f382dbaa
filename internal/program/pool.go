package program

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Kept is what a Pool keeps: a Program, or several that work together.
type Kept interface {
	// Bytes is the memory that it holds.
	Bytes() int64
	Close() error
}

// Bytes is the memory that the program allocates.
func (p *Program) Bytes() int64 { return p.Footprint().Total() }

// Pool keeps what was compiled for a key, such as the shapes of a request, so
// that the next request of the same key finds it. It is safe for concurrent
// use: each one is used by one caller at a time. The zero value keeps nothing.
type Pool[K comparable, V Kept] struct {
	Limit int64 // bytes that idle ones may hold; those used longest ago go first
	Each  int   // how many of one key there may be; further callers wait. 0 is any number

	mu     sync.Mutex
	closed bool
	idle   []idle[K, V] // by time of their last use
	turns  map[K]*turn  // of keys in use, if Each is set
}

type idle[K comparable, V Kept] struct {
	key   K
	value V
}

// turn lets Each callers use a key.
type turn struct {
	free    chan struct{}
	callers int // that use the key or wait for it
}

// ErrClosed says that a pool was used after Close.
var ErrClosed = errors.New("the pool of programs is closed")

// Use calls f with what is kept for the key, or else with what compile makes.
// If f fails, what it used is closed and not kept.
func (p *Pool[K, V]) Use(ctx context.Context, key K, compile func(context.Context) (V, error), f func(V) error) (err error) {
	done, err := p.enter(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	v, ok, err := p.take(key)
	if err != nil {
		return err
	}
	if !ok {
		if v, err = compile(ctx); err != nil {
			return err
		}
	}
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, v.Close())
		}
	}()
	if err := f(v); err != nil {
		return err
	}
	kept = true
	return p.put(key, v)
}

// Take returns what is kept for the key, or else what compile makes. The caller
// gives it back with Put. It takes no turn: Each is for Use.
func (p *Pool[K, V]) Take(key K, compile func() (V, error)) (V, error) {
	if v, ok, err := p.take(key); ok || err != nil {
		return v, err
	}
	return compile()
}

// Put keeps v for the key, and closes what no longer fits.
func (p *Pool[K, V]) Put(key K, v V) error { return p.put(key, v) }

// enter waits for a turn with the key; the function it returns ends the turn.
func (p *Pool[K, V]) enter(ctx context.Context, key K) (func(), error) {
	if p.Each <= 0 {
		return func() {}, nil
	}
	p.mu.Lock()
	t := p.turns[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, p.Each)}
		if p.turns == nil {
			p.turns = make(map[K]*turn)
		}
		p.turns[key] = t
	}
	t.callers++
	p.mu.Unlock()
	leave := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if t.callers--; t.callers == 0 {
			delete(p.turns, key)
		}
	}
	select {
	case t.free <- struct{}{}:
		return func() { <-t.free; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// take removes the one of a key that was used last.
func (p *Pool[K, V]) take(key K) (v V, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return v, false, ErrClosed
	}
	for i, e := range slices.Backward(p.idle) {
		if e.key == key {
			p.idle = slices.Delete(p.idle, i, i+1)
			return e.value, true, nil
		}
	}
	return v, false, nil
}

// put keeps v, and closes what no longer fits.
func (p *Pool[K, V]) put(key K, v V) error {
	p.mu.Lock()
	p.idle = append(p.idle, idle[K, V]{key, v})
	var bytes int64
	keep := len(p.idle)
	for keep > 0 && !p.closed && bytes+p.idle[keep-1].value.Bytes() <= p.Limit {
		keep--
		bytes += p.idle[keep].value.Bytes()
	}
	drop := slices.Clone(p.idle[:keep])
	p.idle = slices.Delete(p.idle, 0, keep)
	p.mu.Unlock()
	return closeAll(drop)
}

// Close closes what is kept. What is in use is closed when that is over.
func (p *Pool[K, V]) Close() error {
	p.mu.Lock()
	drop := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	return closeAll(drop)
}

func closeAll[K comparable, V Kept](list []idle[K, V]) error {
	var errs []error
	for _, e := range list {
		errs = append(errs, e.value.Close())
	}
	return errors.Join(errs...)
}
