package main

import (
	"net/http"
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

func TestClipServeConnections(t *testing.T) { connections(t, "/v1/models", clipServer()...) }

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
	conn := upload(t, url, "/v1/embeddings", 100, strings.Repeat(" ", 60)) // of 150 bytes
	require.Eventually(t, func() bool { return status(41) == 503 }, time.Minute, time.Millisecond, "100 are a client's")
	require.Equal(t, 200, status(40))
	upload(t, url, "/v1/embeddings", 100, "") // of 4 requests 2 are a client's
	require.Eventually(t, func() bool { return status(20) == 503 }, time.Minute, time.Millisecond)
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return status(100) == 200 }, time.Minute, time.Millisecond)
	_ = stop()
	url, _, stop = startServer(t, append(clipServer(), "--read-timeout", "50ms")...)
	require.Equal(t, 408, unfinished(t, url, "/v1/embeddings", 100, ""))
	require.NoError(t, stop())
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
