package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

func clipServer() []string {
	return append(slices.Clone(serversOf["clip serve"]), "-m", golden.Path("clip", "quick"))
}

func TestClipServeConnections(t *testing.T) {
	longName := strings.Repeat("n", 100_000) // answers that soon fill what the system keeps of them
	connections(t, "/v1/models", append(clipServer(), "--name", longName)...)
}

func TestClipServeKeys(t *testing.T) { keys(t, "/v1/models", clipServer()...) }

// TestClipServeLimits: each holds at its value and one past it.
func TestClipServeLimits(t *testing.T) {
	url, _, stop := startServer(t, append(clipServer(), "--max-body", "100", "--bodies", "150", "--requests", "4", "--name", "mine", "--host", "photos.example.com", "--read-timeout", "1m", "--grace", "0")...)
	const body = `{"input":"a star"}`
	long := func(n int) string { return body + strings.Repeat(" ", n-len(body)) }
	for n, want := range map[int]int{100: 200, 101: 413} {
		status, _ := sent(t, http.MethodPost, url+"/v1/embeddings", long(n))
		require.Equal(t, want, status, n)
	}
	_, text := sent(t, http.MethodGet, url+"/v1/models", "")
	require.Contains(t, text, `"id":"mine"`)
	for host, want := range map[string]int{"photos.example.com": 200, "evil.example.com": 403} {
		status, _ := sent(t, http.MethodGet, url+"/v1/models", "", "Host", host)
		require.Equal(t, want, status, host)
	}
	status := func(n int) int {
		status, _ := sent(t, http.MethodPost, url+"/v1/embeddings", long(n))
		return status
	}
	// held begins an upload and waits until the next request of a number of bytes is refused. The server may
	// still count a request that it has answered, and refuse the upload itself: then there is another.
	held := func(some string, next int) net.Conn {
		for range 60 {
			conn := upload(t, url, "/v1/embeddings", 100, some)
			for begun := time.Now(); open(conn) && time.Since(begun) < 5*time.Second; {
				if status(next) == 503 && open(conn) {
					return conn
				}
			}
			require.NoError(t, conn.Close())
		}
		require.Fail(t, "no request is refused", "%d bytes beside %d", next, len(some))
		return nil
	}
	conn := held(strings.Repeat(" ", 60), 41) // of 150 bytes 100 are a client's
	eventually(t, func() bool { return status(40) == 200 })
	held("", 20) // of 4 requests 2 are a client's
	require.NoError(t, conn.Close())
	eventually(t, func() bool { return status(100) == 200 })
	_ = stop()
	url, _, stop = startServer(t, append(clipServer(), "--read-timeout", "50ms")...)
	require.Equal(t, 408, unfinished(t, url, "/v1/embeddings", 100, ""))
	require.NoError(t, stop())
}

// open reports whether the server has neither answered nor closed a connection.
func open(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// eventually waits for a condition, on a machine that may be busy.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(time.Millisecond) {
		require.Less(t, time.Since(begun), 5*time.Minute)
	}
}

// TestClipServeGrace: what is not done within it is cut.
func TestClipServeGrace(t *testing.T) {
	url, _, stop := startServer(t, append(clipServer(), "--grace", "1ms", "--read-timeout", "10m")...)
	conn := upload(t, url, "/v1/embeddings", 100, "{")
	begun := time.Now()
	_ = stop()
	require.Less(t, time.Since(begun), 30*time.Second, "the default")
	require.NoError(t, conn.Close())
}
