package serve

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/httplimit"
)

// open reports whether the server has not closed a connection.
func open(t *testing.T, c net.Conn) bool {
	t.Helper()
	_, err := c.Write([]byte("GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
	if err != nil {
		return false
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	n, _ := c.Read(make([]byte, 1))
	if n == 1 {
		_, _ = c.Read(make([]byte, 4<<10))
		time.Sleep(50 * time.Millisecond) // the server notes after its answer that the connection is idle
	}
	return n == 1
}

// TestIdleConnectionsGiveWay: the one that has been idle longest does, of the
// client that has too many, or of all.
func TestIdleConnectionsGiveWay(t *testing.T) {
	_, url := startFake(t, Options{Connections: 3, ConnectionsPerClient: 2}, instant)
	a1, a2 := dial(t, url, ""), dial(t, url, "")
	require.True(t, open(t, a1))
	require.True(t, open(t, a2))
	require.True(t, open(t, a1), "it has been used later than the other")
	a3 := dial(t, url, "")
	require.True(t, open(t, a3))
	require.False(t, open(t, a2))
	b1 := dial(t, url, "127.0.0.2")
	require.True(t, open(t, b1))
	c1 := dial(t, url, "127.0.0.3")
	require.True(t, open(t, c1))
	require.False(t, open(t, a1), "the longest idle of all")
	require.True(t, open(t, a3))
	require.True(t, open(t, b1))
}

// TestConnectionsInUse: where none is idle the new one is closed.
func TestConnectionsInUse(t *testing.T) {
	g, s, url := startGate(t, Options{Connections: 3, ConnectionsPerClient: 2})
	for seed := range 2 {
		post(t, dial(t, url, ""), "/predict", seeded(seed+1), "", 0)
	}
	eventually(t, func() bool { waiting, running, _ := s.queue.Load(); return waiting+running == 2 })
	require.False(t, open(t, dial(t, url, "")), "this client has two")
	post(t, dial(t, url, "127.0.0.2"), "/predict", seeded(3), "", 0)
	eventually(t, func() bool { waiting, running, _ := s.queue.Load(); return waiting+running == 3 })
	require.False(t, open(t, dial(t, url, "127.0.0.3")), "there are three in all")
	close(g.open)
	eventually(t, s.idle)
	eventually(t, func() bool { return open(t, dial(t, url, "127.0.0.3")) })
}

// TestHTTPServer: what bounds headers and connections is set.
func TestHTTPServer(t *testing.T) {
	h := newServer(Options{Logger: quiet()}, fake(instant)).HTTPServer()
	require.Equal(t, []any{httplimit.HeaderTimeout, httplimit.IdleTimeout, httplimit.MaxHeader}, []any{h.ReadHeaderTimeout, h.IdleTimeout, h.MaxHeaderBytes})
	_, url := startFake(t, Options{}, instant)
	for size, status := range map[int]int{httplimit.MaxHeader / 2: 200, 2 * httplimit.MaxHeader: 431} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/ping", nil)
		require.NoError(t, err)
		r.Header.Set("X-Long", strings.Repeat("x", size))
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, status, answer.StatusCode)
	}
}
