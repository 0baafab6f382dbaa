package httplimit

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

// TestSlowReaderGetsAll: the time-out is for each piece of an answer, not for all of it.
func TestSlowReaderGetsAll(t *testing.T) {
	large := strings.Repeat("x", 32*PieceSize)
	var deadlines []time.Time
	w := &deadlineWriter{set: func(d time.Time) { deadlines = append(deadlines, d) }}
	rec := NewWriter(w, time.Hour)
	n, err := rec.Write([]byte(large))
	require.NoError(t, err)
	require.Equal(t, len(large), n)
	require.Len(t, deadlines, 32)
	require.Equal(t, 200, rec.Status)
	for _, d := range deadlines {
		require.WithinDuration(t, time.Now().Add(time.Hour), d, time.Minute)
	}
	w.fails = 3
	n, err = rec.Write([]byte(large))
	require.ErrorIs(t, err, errTest)
	require.Equal(t, 2*PieceSize, n)
}

// head counts what is written, and takes the first status.
type head struct {
	deadlineWriter
	pieces   []int
	statuses []int
	flushed  int
}

func (h *head) WriteHeader(status int) { h.statuses = append(h.statuses, status) }
func (h *head) Write(b []byte) (int, error) {
	h.pieces = append(h.pieces, len(b))
	return len(b), nil
}
func (h *head) FlushError() error { h.flushed++; return nil }

// TestPieces: an answer of any size goes out in pieces of at most the size for a
// time-out, each with a deadline.
func TestPieces(t *testing.T) {
	for size, pieces := range map[int][]int{
		0: {0}, 1: {1}, PieceSize - 1: {PieceSize - 1}, PieceSize: {PieceSize}, PieceSize + 1: {PieceSize, 1}, 2*PieceSize + 5: {PieceSize, PieceSize, 5},
	} {
		deadlines := 0
		h := &head{deadlineWriter: deadlineWriter{set: func(time.Time) { deadlines++ }}}
		w := NewWriter(h, time.Hour)
		n, err := w.Write(make([]byte, size))
		require.NoError(t, err)
		require.Equal(t, size, n)
		require.Equal(t, pieces, h.pieces)
		require.Equal(t, len(pieces), deadlines)
		require.NoError(t, http.NewResponseController(w).Flush())
		require.Equal(t, []int{len(pieces) + 1, 1}, []int{deadlines, h.flushed})
	}
	deadlines := 0
	h := &head{deadlineWriter: deadlineWriter{set: func(time.Time) { deadlines++ }}}
	w := NewWriter(h, time.Hour)
	require.Zero(t, w.Status)
	w.WriteHeader(404)
	w.WriteHeader(500)
	require.Equal(t, 404, w.Status)
	require.Equal(t, []int{404, 500}, h.statuses)
	require.Equal(t, 2, deadlines)
	require.Same(t, h, w.Unwrap())
}
