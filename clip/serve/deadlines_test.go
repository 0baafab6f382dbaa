package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deadlines is a writer that notes the deadlines that are set.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = append(d.read, t); return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = append(d.write, t); return nil }

// TestDeadlines: a body has its time, which ends when it was read; each write and
// what the server has yet to send have theirs.
func TestDeadlines(t *testing.T) {
	h := handler(t, Options{ReadTimeout: time.Hour, WriteTimeout: 2 * time.Hour})
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/v1/embeddings", strings.NewReader(`{"input":"a"}`)))
	require.Equal(t, 200, w.Code)
	require.Len(t, w.read, 2)
	require.WithinDuration(t, time.Now().Add(time.Hour), w.read[0], time.Minute)
	require.Zero(t, w.read[1])
	require.Len(t, w.write, 3, "the head, the body, the end")
	for _, at := range w.write {
		require.WithinDuration(t, time.Now().Add(2*time.Hour), at, time.Minute)
	}
}

// TestConnectionsGiveWay: of a client that may have one, the second takes the place
// of the first.
func TestConnectionsGiveWay(t *testing.T) {
	h := handler(t, Options{ConnectionsPerClient: 1})
	s := httptest.NewUnstartedServer(nil)
	s.Config = h.HTTPServer()
	s.Start()
	defer s.Close()
	open := func() net.Conn {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		return conn
	}
	first := open()
	_, err := fmt.Fprint(first, "GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(first), nil)
	require.NoError(t, err)
	require.Equal(t, 200, answer.StatusCode)
	// The server notes only after its answer that the connection is idle: until then the new one is closed.
	for begun := time.Now(); ; {
		require.NoError(t, open().Close())
		require.NoError(t, first.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		if _, err = first.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		require.Less(t, time.Since(begun), 2*time.Minute)
	}
	require.ErrorIs(t, err, io.EOF)
}
