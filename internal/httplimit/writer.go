package httplimit

import (
	"net/http"
	"time"
)

// Writer remembers the status of an answer, and lets no write wait for the
// client longer than a time-out.
type Writer struct {
	http.ResponseWriter
	Status  int // 0 until the answer has begun
	control *http.ResponseController
	timeout time.Duration
}

// PieceSize bounds what must go out within a time-out, so that a slow client
// that goes on reading gets all of a large answer.
const PieceSize = 64 << 10

// NewWriter returns a Writer in place of w.
func NewWriter(w http.ResponseWriter, timeout time.Duration) *Writer {
	return &Writer{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout}
}

// Extend gives the next write its time.
func (w *Writer) Extend() {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) // writers of tests have none
}

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) {
	if w.Status == 0 {
		w.Status = status
	}
	w.Extend()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *Writer) Write(b []byte) (written int, err error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	for {
		piece := b[:min(len(b), PieceSize)]
		w.Extend()
		n, err := w.ResponseWriter.Write(piece)
		written += n
		if b = b[len(piece):]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// FlushError sends what is buffered; http.ResponseController calls it.
func (w *Writer) FlushError() error {
	w.Extend()
	return w.control.Flush()
}

// Unwrap lets http.ResponseController find what the server's writer can do.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
