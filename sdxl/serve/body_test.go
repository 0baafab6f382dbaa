package serve

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBudget(t *testing.T) {
	b := newBudget(100, 10)
	require.NoError(t, b.take("a", 50))
	require.ErrorIs(t, b.take("a", 1), errNoRoom, "half of it is a client's")
	require.NoError(t, b.take("b", 40))
	require.NoError(t, b.take("c", 10))
	require.ErrorIs(t, b.take("d", 1), errNoRoom)
	b.give("c", 10)
	require.NoError(t, b.take("d", 10))
	b.give("a", 50)
	b.give("b", 40)
	b.give("d", 10)
	require.Empty(t, b.clients)
	require.Equal(t, int64(100), b.free)
	require.NoError(t, newBudget(100, 80).take("a", 80), "one body of the largest size always fits")
	require.ErrorIs(t, newBudget(100, 80).take("a", 81), errNoRoom)
}

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
	body := seeded(1) + strings.Repeat(" ", 1<<10-len(seeded(1)))
	answer, _ := call(t, url+"/predict", []byte(body))
	require.Equal(t, 200, answer.StatusCode)
	answer, data := call(t, url+"/predict", []byte(body+" "))
	require.Equal(t, 413, answer.StatusCode)
	require.Equal(t, []string{"body"}, violated(t, data))
	eventually(t, func() bool { s.bodies.mu.Lock(); defer s.bodies.mu.Unlock(); return len(s.bodies.clients) == 0 })
}
