package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/df65613c/easel/sdxl/request"
)

var errNoRoom = errors.New("the requests at hand take all the memory for bodies")

// budget bounds the bytes of bodies that are at hand at once: those of requests
// that are read, wait or are worked on. No client has more than half of it, or
// than one body of the largest size.
type budget struct {
	mu      sync.Mutex
	free    int64
	each    int64 // of a client
	clients map[string]int64
}

func newBudget(total, largest int64) *budget {
	return &budget{free: total, each: max(total/2, largest), clients: make(map[string]int64)}
}

func (b *budget) take(client string, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.free || b.clients[client]+n > b.each {
		return errNoRoom
	}
	b.free -= n
	b.clients[client] += n
	return nil
}

func (b *budget) give(client string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	if b.clients[client] -= n; b.clients[client] == 0 {
		delete(b.clients, client)
	}
}

// upload is a request's body whose bytes are taken from the budget as they come,
// so that a slow upload holds no more than what it has sent.
type upload struct {
	io.ReadCloser
	budget *budget
	client string
	taken  int64
}

func (b *upload) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if full := b.budget.take(b.client, int64(n)); full != nil {
		return 0, full
	}
	b.taken += int64(n)
	return n, err
}

// release gives the bytes back, when the request is answered.
func (b *upload) release() { b.budget.give(b.client, b.taken) }

// withBody calls handle with the body bounded in size, time and memory.
func (s *Server) withBody(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.ContentLength > s.options.MaxBody { // which is known before any of it is read
			w.Header().Set("Connection", "close")
			return &http.MaxBytesError{Limit: s.options.MaxBody}
		}
		b := &upload{ReadCloser: http.MaxBytesReader(w, r.Body, s.options.MaxBody), budget: s.bodies, client: clientOf(r.Context())}
		defer b.release()
		r.Body = b
		return h(w, r)
	}
}

// readBody calls read, which must be done within the time for bodies. observe
// has set the deadline, which stays where the body could not be read to its end:
// then nothing waits for the rest of it either.
func (s *Server) readBody(w http.ResponseWriter, read func() error) error {
	err := read()
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a job may take longer
	}
	var invalid *request.Error
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil || errors.As(err, &invalid):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &fault{status: http.StatusRequestTimeout, Name: "request_timeout", Message: fmt.Sprintf("the body did not come within %v", s.options.ReadTimeout)}
	case !errors.As(err, &tooLarge) && !errors.Is(err, errNoRoom):
		err = violation("body", "can't be read: %.200v", err)
	}
	w.Header().Set("Connection", "close")
	return err
}

// readAll reads a body without a mark of its encoding.
func readAll(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	return bytes.TrimPrefix(data, []byte("\uFEFF")), err
}
