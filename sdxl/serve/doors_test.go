package serve

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/stretchr/testify/require"
)

// ask sends a request as a test has it.
func ask(t *testing.T, h http.Handler, method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHostOfAStranger(t *testing.T) {
	evil := func(r *http.Request) { r.Host = "evil.com" }
	s := newServer(Options{Logger: quiet()}, fake(instant))
	for _, path := range []string{"/", "/metrics", "/v1/engines/list"} {
		w := ask(t, s, "GET", path, "", evil)
		require.Equal(t, 403, w.Code, path)
		require.Contains(t, w.Body.String(), `not known as \"evil.com\"`)
	}
	require.Equal(t, 403, ask(t, s, "POST", "/predict", seeded(1), evil).Code)
	s = newServer(Options{Logger: quiet(), Hosts: []string{"evil.com"}}, fake(instant))
	require.Equal(t, 200, ask(t, s, "POST", "/predict", seeded(1), evil).Code)
	s = newServer(Options{Logger: quiet(), APIKeys: []string{"one"}}, fake(instant))
	require.Equal(t, 200, ask(t, s, "GET", "/", "", evil).Code)
	require.Equal(t, 401, ask(t, s, "POST", "/predict", seeded(1), evil).Code, "a key says who asks")
}

func TestOtherSites(t *testing.T) {
	const friend, stranger = "https://friend.example", "https://stranger.example"
	from := func(origin string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
	}
	preflight := func(origin string) func(*http.Request) {
		return func(r *http.Request) {
			from(origin)(r)
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		}
	}
	for _, c := range []struct {
		origins []string
		origin  string
		allowed bool
		header  string
	}{
		{nil, friend, false, ""},
		{[]string{friend}, friend, true, friend},
		{[]string{friend}, stranger, false, ""},
		{[]string{"*"}, stranger, true, "*"},
	} {
		s := newServer(Options{Logger: quiet(), Origins: c.origins, APIKeys: []string{"one"}}, fake(instant))
		w := ask(t, s, "POST", "/predict", seeded(1), func(r *http.Request) {
			from(c.origin)(r)
			r.Header.Set("Authorization", "Bearer one")
		})
		require.Equal(t, c.allowed, w.Code == 200, "%v: %d", c, w.Code)
		require.Equal(t, c.header, w.Header().Get("Access-Control-Allow-Origin"))
		w = ask(t, s, "OPTIONS", "/predict", "", preflight(c.origin))
		require.Equal(t, c.header, w.Header().Get("Access-Control-Allow-Origin"), "asked before, without a key")
		if c.allowed {
			require.Equal(t, 204, w.Code)
			require.Equal(t, "authorization,content-type", w.Header().Get("Access-Control-Allow-Headers"))
		}
	}
	require.NoError(t, CheckOrigin("*"))
	require.NoError(t, CheckOrigin(friend))
	require.Error(t, CheckOrigin("friend.example"))
}

func TestHeadersOfAnswers(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(instant))
	for _, path := range []string{"/", "/app.js", "/ping", "/none", "/v1/engines/list"} {
		w := ask(t, s, "GET", path, "", nil)
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), path)
		require.NotEmpty(t, w.Header().Get("X-Request-Id"), path)
	}
	policy := ask(t, s, "GET", "/", "", nil).Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'self'", "img-src 'self' data: blob:", "frame-ancestors 'none'"} {
		require.Contains(t, policy, part)
	}
}

func TestMethodsAndRoutes(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(instant))
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/predict", 405, "POST"},
		{"PUT", "/v1/embeddings", 405, "POST"},
		{"DELETE", "/v1/generation/x/text-to-image", 405, "POST"},
		{"OPTIONS", "/invocations", 405, "POST"},
		{"POST", "/ping", 405, "GET, HEAD"},
		{"POST", "/", 405, "GET, HEAD"},
		{"POST", "/app.js", 405, "GET, HEAD"},
		{"GET", "/none", 404, ""},
		{"POST", "/v1/none", 404, ""},
		{"GET", "/web", 404, ""},
		{"HEAD", "/", 200, ""},
	} {
		w := ask(t, s, c.method, c.path, "", nil)
		require.Equal(t, c.status, w.Code, "%s %s", c.method, c.path)
		require.Equal(t, c.allow, w.Header().Get("Allow"), "%s %s", c.method, c.path)
		if c.status != 200 {
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Contains(t, w.Body.String(), w.Header().Get("X-Request-Id"))
		}
	}
}

func TestModels(t *testing.T) {
	s := newServer(Options{Logger: quiet(), Engines: []string{"a", "b"}}, fake(instant))
	require.JSONEq(t, strings.ReplaceAll(`{"object":"list","data":[{"id":"a","object":"model","created":T,"owned_by":"easel"},
		{"id":"b","object":"model","created":T,"owned_by":"easel"}]}`, "T", itoa(s.since.Unix())), ask(t, s, "GET", "/v1/models", "", nil).Body.String())
	require.Contains(t, ask(t, s, "GET", "/v1/models/b", "", nil).Body.String(), `"id":"b"`)
	require.Equal(t, 404, ask(t, s, "GET", "/v1/models/c", "", nil).Code)
}

func TestMetricsDoor(t *testing.T) {
	s := newServer(Options{Logger: quiet(), APIKeys: []string{"one"}}, fake(instant))
	require.Equal(t, 401, ask(t, s, "GET", "/metrics", "", nil).Code)
	require.Equal(t, 200, ask(t, s, "GET", "/metrics", "", func(r *http.Request) { r.Header.Set("X-API-Key", "one") }).Code)
	require.Contains(t, ask(t, s.Metrics(), "GET", "/", "", nil).Body.String(), "easel_jobs_running")
	s = newServer(Options{Logger: quiet(), HideMetrics: true}, fake(instant))
	require.Equal(t, 404, ask(t, s, "GET", "/metrics", "", nil).Code)
}

func TestKeys(t *testing.T) {
	s := newServer(Options{Logger: quiet(), APIKeys: []string{" one\n", "", "two"}}, fake(instant))
	require.Len(t, s.keys, 2)
	for header, status := range map[string]int{"Bearer one": 200, "bearer one": 200, "BEARER  one ": 200, "two": 200, "Basic one": 401, "Bearer": 401, "": 401, " ": 401, "Bearer one\n": 200} {
		w := ask(t, s, "GET", "/v1/models", "", func(r *http.Request) { r.Header.Set("Authorization", header) })
		require.Equal(t, status, w.Code, "%q", header)
		require.Equal(t, status == 401, w.Header().Get("WWW-Authenticate") == "Bearer")
	}
}

// TestPanic: it ends its request alone, is counted, and logged with its place.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	fails := true
	s, url := startFake(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(context.Context, *request.Request, request.Options) error {
		if fails {
			panic("the model broke")
		}
		return nil
	})
	answer, data := call(t, url+"/predict", []byte(seeded(1)))
	require.Equal(t, 500, answer.StatusCode)
	require.Contains(t, string(data), "internal_error")
	require.NotContains(t, string(data), "broke")
	c := dial(t, url, "")
	post(t, c, "/predict", seeded(1), "Accept: text/event-stream\r\n", 0)
	_, err := receive(t, c).Body.Read(make([]byte, 1))
	for err == nil {
		_, err = c.Read(make([]byte, 1<<10))
	}
	eventually(t, func() bool { return s.metrics.panics.Get() == 2 })
	fails = false
	answer, _ = call(t, url+"/predict", []byte(seeded(1)))
	require.Equal(t, 200, answer.StatusCode, "the place is free again")
	_, data = call(t, url+"/metrics", nil)
	require.Contains(t, string(data), "easel_panics_total 2")
	require.Contains(t, string(data), `easel_requests_total{code="500",route="POST /predict"} 1`)
	require.Equal(t, 2, strings.Count(log.String(), "level=ERROR msg=panic"))
	require.Equal(t, 2, strings.Count(log.String(), "the model broke"))
	require.GreaterOrEqual(t, strings.Count(log.String(), "doors_test.go"), 2, "where it was")
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
