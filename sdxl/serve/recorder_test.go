package serve

import (
	"errors"
	"net/http"
	"time"
)

var errTest = errors.New("as told")

// deadlineWriter tells of the deadlines that are set, and fails at a write.
type deadlineWriter struct {
	set   func(time.Time)
	fails int // the number of the write that fails, from 1
}

func (w *deadlineWriter) Header() http.Header { return http.Header{} }
func (w *deadlineWriter) WriteHeader(int)     {}
func (w *deadlineWriter) Write(b []byte) (int, error) {
	if w.fails--; w.fails == 0 {
		return 0, errTest
	}
	return len(b), nil
}

func (w *deadlineWriter) SetWriteDeadline(t time.Time) error {
	w.set(t)
	return nil
}
