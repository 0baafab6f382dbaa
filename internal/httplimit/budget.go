package httplimit

import (
	"errors"
	"io"
	"sync"
)

// ErrNoRoom says that a body would not fit beside those at hand.
var ErrNoRoom = errors.New("the requests at hand take all the memory for bodies")

// Budget bounds the bytes of bodies that are at hand at once: those of requests
// that are read, wait or are worked on. No client has more than half of it, or
// than one body of the largest size.
type Budget struct {
	mu      sync.Mutex
	free    int64
	each    int64 // of a client
	clients map[string]int64
}

// NewBudget returns a budget of total bytes, for bodies of at most largest.
func NewBudget(total, largest int64) *Budget {
	return &Budget{free: total, each: max(total/2, largest), clients: make(map[string]int64)}
}

// Take takes n bytes for a client, or fails with ErrNoRoom.
func (b *Budget) Take(client string, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.free || b.clients[client]+n > b.each {
		return ErrNoRoom
	}
	b.free -= n
	b.clients[client] += n
	return nil
}

// Give gives them back.
func (b *Budget) Give(client string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	if b.clients[client] -= n; b.clients[client] == 0 {
		delete(b.clients, client)
	}
}

// Body returns a body whose bytes are taken from the budget as they come, so that
// a slow upload holds no more than what it has sent. Close gives them back, once
// the request is answered; that of the request itself is the server's to close.
func (b *Budget) Body(r io.Reader, client string) io.ReadCloser {
	return &body{Reader: r, budget: b, client: client}
}

type body struct {
	io.Reader
	budget *Budget
	client string
	taken  int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if full := b.budget.Take(b.client, int64(n)); full != nil {
		return 0, full
	}
	b.taken += int64(n)
	return n, err
}

func (b *body) Close() error {
	b.budget.Give(b.client, b.taken)
	b.taken = 0
	return nil
}

// Free returns how many bytes are left.
func (b *Budget) Free() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free
}
