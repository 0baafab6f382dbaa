package serve

import (
	"net/http"
	"net/http/httptest"
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

// TestDeadlines: a body has its time, which ends when it was read, and where it could not be read
// stays; each write and what the server has yet to send have theirs.
func TestDeadlines(t *testing.T) {
	s := newServer(Options{Logger: quiet(), ReadTimeout: time.Hour, WriteTimeout: 2 * time.Hour, MaxBody: 1000}, fake(instant))
	fields, kind := form(t, [2]string{"text_prompts[0][text]", "a"})
	for _, c := range []struct {
		path, body, kind, accept string
		status, reads, writes    int
	}{
		{"/predict", seeded(1), "application/json", "application/json", 200, 2, 3}, // the head, the body, the end
		{"/predict", seeded(1), "application/json", "image/png", 200, 2, 2},
		{"/predict", seeded(1), "application/json", "text/event-stream", 200, 2, 5}, // two events, each sent at once
		{"/predict", fields, kind, "application/json", 200, 2, 3},
		{"/v1/embeddings", `{"input":"a"}`, "application/json", "", 200, 2, 3},
		{"/predict", "{}" + strings.Repeat(" ", 1000), "application/json", "", 413, 1, 3},
	} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1"+c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Accept", c.accept)
		s.ServeHTTP(w, r)
		require.Equal(t, c.status, w.Code, "%s %s", c.path, w.Body)
		require.Len(t, w.read, c.reads, "%s %s", c.path, c.accept)
		require.WithinDuration(t, time.Now().Add(time.Hour), w.read[0], time.Minute)
		if c.reads == 2 {
			require.Zero(t, w.read[1])
		}
		require.Len(t, w.write, c.writes, "%s %s", c.path, c.accept)
		for _, at := range w.write {
			require.WithinDuration(t, time.Now().Add(2*time.Hour), at, time.Minute)
		}
	}
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/ping", http.NoBody))
	require.Empty(t, w.read, "without a body")
}
