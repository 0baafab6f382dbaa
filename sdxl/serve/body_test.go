package serve

import (
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
