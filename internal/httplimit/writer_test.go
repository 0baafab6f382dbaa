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
