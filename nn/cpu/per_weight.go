package cpu

import (
	"runtime"
	"sync"
	"weak"

	"github.com/df65613c/easel/nn"
)

// perWeight holds what a backend has made of weights, each for as long as the
// weight is in use. Every program with that weight shares it.
type perWeight[T any] struct {
	mu   sync.Mutex
	made map[weak.Pointer[nn.Weight]]T
}

// of returns what is held for a weight. It is made first if there is none.
func (p *perWeight[T]) of(w *nn.Weight, build func() (T, error)) (T, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := weak.Make(w)
	if v, ok := p.made[key]; ok {
		return v, nil
	}
	v, err := build()
	if err != nil {
		return v, err
	}
	if p.made == nil {
		p.made = make(map[weak.Pointer[nn.Weight]]T)
	}
	p.made[key] = v
	runtime.AddCleanup(w, func(key weak.Pointer[nn.Weight]) {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.made, key)
	}, key)
	return v, nil
}
