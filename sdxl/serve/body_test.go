package serve

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSlowUploads: those that send nothing more hold what they have sent, and no
// more of them than that; others are served meanwhile.
func TestSlowUploads(t *testing.T) {
	_, url := startFake(t, Options{MaxBody: 1 << 10, Queue: 1}, instant)
	long := seeded(1) + strings.Repeat(" ", 900)
	for range 100 {
		post(t, dial(t, url, ""), "/predict", long, "", 800)
	}
	other := dial(t, url, "127.0.0.2")
	post(t, other, "/predict", seeded(1), "", 0)
	require.Equal(t, 200, receive(t, other).StatusCode)
	full := dial(t, url, "")
	post(t, full, "/predict", long, "", 0)
	answer := receive(t, full)
	require.Equal(t, 429, answer.StatusCode, "its share is taken")
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	require.True(t, answer.Close)
}

// TestLargestBody: one of the largest size is read, and one byte more is not.
func TestLargestBody(t *testing.T) {
	s, url := startFake(t, Options{MaxBody: 1 << 10}, instant)
	whole := s.bodies.Free()
	body := seeded(1) + strings.Repeat(" ", 1<<10-len(seeded(1)))
	answer, _ := call(t, url+"/predict", []byte(body))
	require.Equal(t, 200, answer.StatusCode)
	answer, data := call(t, url+"/predict", []byte(body+" "))
	require.Equal(t, 413, answer.StatusCode)
	require.Equal(t, []string{"body"}, violated(t, data))
	eventually(t, func() bool { return s.bodies.Free() == whole })
}

// TestLongBodiesAreNotRead: what says that it is too long is answered before any of it is read.
func TestLongBodiesAreNotRead(t *testing.T) {
	s := newServer(Options{Logger: quiet(), MaxBody: 20}, fake(instant))
	for length, status := range map[int64]int{20: 400, 21: 413} {
		body := &counting{}
		w := ask(t, s, "POST", "/predict", "", func(r *http.Request) { r.Body, r.ContentLength = body, length })
		require.Equal(t, status, w.Code)
		require.Equal(t, status == 400, body.read > 0)
	}
}

// counting is a body that counts how often it is read.
type counting struct{ read int }

func (c *counting) Read([]byte) (int, error) {
	c.read++
	return 0, io.EOF
}

func (c *counting) Close() error { return nil }
