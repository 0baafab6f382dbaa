package serve

import (
	"net/http"
	"time"
)

// recorder remembers the status of an answer, and lets no write wait for the
// client longer than a time-out.
type recorder struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	status  int
}

// pieceSize bounds what must go out within a time-out, so that a slow client
// that goes on reading gets all of a large answer.
const pieceSize = 64 << 10

func newRecorder(w http.ResponseWriter, timeout time.Duration) *recorder {
	return &recorder{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout}
}

// extend gives the next write its time.
func (r *recorder) extend() {
	_ = r.control.SetWriteDeadline(time.Now().Add(r.timeout)) // writers of tests have none
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.extend()
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (written int, err error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	for {
		piece := b[:min(len(b), pieceSize)]
		r.extend()
		n, err := r.ResponseWriter.Write(piece)
		written += n
		if b = b[len(piece):]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// FlushError sends what is buffered; http.ResponseController calls it.
func (r *recorder) FlushError() error {
	r.extend()
	return r.control.Flush()
}

// Unwrap lets http.ResponseController find what the server's writer can do.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
