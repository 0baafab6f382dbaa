package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/httplimit"
	"github.com/df65613c/easel/internal/openai"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// TestDefaults: what is not given is as the documentation has it, and what is given stays.
func TestDefaults(t *testing.T) {
	o := newServer(Options{Logger: quiet()}, fake(instant)).options
	require.Equal(t, []any{int64(32 << 20), 100, 1, 8, 64, 30 * time.Second, 30 * time.Second, 4096, 1024, []string{"stable-diffusion-xl-1024-v1-0"}},
		[]any{o.MaxBody, o.MaxPreviews, o.Workers, o.Queue, o.QueueAll, o.ReadTimeout, o.WriteTimeout, o.Connections, o.ConnectionsPerClient, o.Engines})
	require.NotEmpty(t, o.Styles)
	given := Options{Logger: quiet(), MaxBody: 1, MaxPreviews: 2, Workers: 3, Queue: 4, ReadTimeout: 5, WriteTimeout: 6, Connections: 7, ConnectionsPerClient: 8, Engines: []string{"a"}, Styles: request.Styles{"b": {}}}
	o = newServer(given, fake(instant)).options
	given.QueueAll = 32 // eight times the queue
	require.Equal(t, given, o)
	s := newServer(Options{}, fake(instant))
	require.Equal(t, []any{15 * time.Second, time.Second, int64(9 * 32 << 20)}, []any{s.aliveEvery, s.hangupEvery, s.bodies.Free()})
}

// TestFaultOfErrors: each error has its status, name and headers, and tells nothing of an inner one.
func TestFaultOfErrors(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(instant))
	for _, c := range []struct {
		err    error
		status int
		name   string
		text   string
		retry  string
	}{
		{violation("steps", "is %d", 0), 400, "bad_request", "steps is 0", ""},
		{&http.MaxBytesError{Limit: 7}, 413, "payload_too_large", "body is over 7 bytes", ""},
		{sched.ErrNotFinite, 422, "unprocessable", "no numbers", ""},
		{httplimit.ErrFull, 429, "too_many_requests", "the queue is full; try again later", "1"},
		{httplimit.ErrNoRoom, 429, "too_many_requests", "try again later", "1"},
		{httplimit.ErrDraining, 503, "unavailable", "about to stop", "1"},
		{context.Canceled, 499, "canceled", "cancelled", ""},
		{context.DeadlineExceeded, 500, "internal_error", "the server's log tells why", ""},
		{errors.New("secret"), 500, "internal_error", "the server's log tells why", ""},
		{&fault{status: 404, Name: "not_found", Message: "no x"}, 404, "not_found", "no x", ""},
	} {
		w := httptest.NewRecorder()
		s.asFault(fmt.Errorf("around: %w", c.err)).write(w, "7")
		var f fault
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &f))
		require.Equal(t, []any{c.status, c.name, "7", c.retry, "application/json"}, []any{w.Code, f.Name, f.ID, w.Header().Get("Retry-After"), w.Header().Get("Content-Type")}, c.err)
		require.Contains(t, f.Message, c.text)
		require.NotContains(t, w.Body.String(), "secret")
	}
	for path, name := range map[string]string{"/v1/models/x": "not_found", "/none": "not_found", "/v1/engines/list": "unauthorized"} {
		s := newServer(Options{Logger: quiet(), APIKeys: []string{"k"}}, fake(instant))
		w := ask(t, s, "GET", path, "", func(r *http.Request) {
			if name != "unauthorized" {
				r.Header.Set("X-API-Key", "k")
			}
		})
		require.Contains(t, w.Body.String(), `"name":"`+name+`"`, path)
	}
	w := ask(t, s, "GET", "/", "", func(r *http.Request) { r.Host = "evil.example" })
	require.Contains(t, w.Body.String(), `"name":"forbidden"`)
}

// TestRetryAfter: half of those who wait will have had their turn, by the average of jobs.
func TestRetryAfter(t *testing.T) {
	q := httplimit.NewQueue(2, 100, 100)
	m := newMetrics(q)
	require.Equal(t, 1, m.retryAfter())
	m.ran(10 * time.Second)
	require.InDelta(t, 10, m.average, 1e-9)
	m.ran(20 * time.Second)
	require.InDelta(t, 12, m.average, 1e-9, "the newest counts a fifth")
	require.Equal(t, 1, m.retryAfter(), "none waits")
	for range 7 {
		_, err := q.Join("a")
		require.NoError(t, err)
	}
	require.Equal(t, 15, m.retryAfter(), "12 s, 5 of whom half are served by 2 at once")
	m.average = 1e6
	require.Equal(t, 600, m.retryAfter())
}

// TestPreviewsAreThoseAskedFor: none without, else every so many steps but the last.
func TestPreviewsAreThoseAskedFor(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(func(_ context.Context, _ *request.Request, po request.Options) error {
		for step := range 4 {
			po.Progress(0, sdxl.Progress{Step: step + 1, Steps: 4, Preview: noisy})
		}
		return nil
	}))
	for query, want := range map[string]int{"": 0, "?preview=1": 3, "?preview=2": 1, "?preview=4": 0, "?preview=5": 0} {
		w := ask(t, s, "POST", "/predict"+query, seeded(1), func(r *http.Request) { r.Header.Set("Accept", "text/event-stream") })
		require.Equal(t, 200, w.Code)
		require.Equal(t, want, strings.Count(w.Body.String(), `"preview":`), query)
		require.Equal(t, 4, strings.Count(w.Body.String(), "event: progress\n"))
		require.Equal(t, 1, strings.Count(w.Body.String(), "event: queued\ndata: {\"waiting\":0}\n"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
	for _, query := range []string{"0", "-1", "x", "1.5"} {
		w := ask(t, s, "POST", "/predict?preview="+query, seeded(1), func(r *http.Request) { r.Header.Set("Accept", "text/event-stream") })
		require.Equal(t, 400, w.Code)
	}
}

// TestEventsStayAlive: a comment comes every so often once the stream has begun.
func TestEventsStayAlive(t *testing.T) {
	seen := make(chan struct{})
	s := newServer(Options{Logger: quiet()}, fake(func(ctx context.Context, _ *request.Request, po request.Options) error {
		<-seen
		return nil
	}))
	s.aliveEvery = time.Millisecond
	url := listen(t, s)
	c := dial(t, url, "")
	post(t, c, "/predict", seeded(1), "Accept: text/event-stream\r\n", 0)
	answer := receive(t, c)
	var text []byte
	for b := make([]byte, 100); !bytes.Contains(text, []byte("\n\n:\n\n:\n\n")); {
		n, err := answer.Body.Read(b)
		require.NoError(t, err)
		text = append(text, b[:n]...)
	}
	close(seen)
	require.True(t, strings.HasPrefix(string(text), "event: queued\n"), "nothing comes before")
}

// TestSamplesOfOnePicture: where the answer is the picture itself there is one.
func TestSamplesOfOnePicture(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(instant))
	for samples, status := range map[string]int{"": 200, `,"samples":1`: 200, `,"samples":2`: 400} {
		w := ask(t, s, "POST", "/predict", `{"text_prompts":[{"text":"x"}]`+samples+`}`, func(r *http.Request) { r.Header.Set("Accept", "image/png") })
		require.Equal(t, status, w.Code, samples)
	}
}

// form is the body of a form, and its type.
func form(t *testing.T, fields ...[2]string) (body, kind string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		require.NoError(t, w.WriteField(f[0], f[1]))
	}
	require.NoError(t, w.Close())
	return b.String(), w.FormDataContentType()
}

// TestFieldsOfForms: prompts are numbered from 0 on, texts are texts whatever they look like, and a
// route without a picture takes no form.
func TestFieldsOfForms(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(func(_ context.Context, r *request.Request, _ request.Options) error {
		if r.TextPrompts[0].Text != "7" || r.StylePreset != "" {
			return errors.New("misread")
		}
		return nil
	}))
	prompt := [2]string{"text_prompts[0][text]", "7"}
	for _, c := range []struct {
		path   string
		fields [][2]string
		status int
		text   string
	}{
		{"/predict", [][2]string{prompt}, 200, ""},
		{"/predict", [][2]string{prompt, {"text_prompts[1][text]", "b"}, {"text_prompts[1][weight]", "0.5"}}, 200, ""},
		{"/predict", [][2]string{prompt, {"text_prompts[2][text]", "b"}}, 400, "text_prompts[2] is given without all before it"},
		{"/predict", [][2]string{prompt, {"text_prompts[1000][text]", "b"}}, 400, "text_prompts[1000][text]"},
		{"/predict", [][2]string{prompt, {"steps", "x"}}, 400, "steps is \\\"x\\\""},
		{"/predict", [][2]string{prompt, {"style_preset", "3"}}, 400, "style_preset is \\\"3\\\", want one of"},
		{"/v1/generation/" + DefaultEngine + "/text-to-image", [][2]string{prompt}, 400, "body"},
		{"/v1/generation/" + DefaultEngine + "/image-to-image", [][2]string{prompt}, 400, "init_image is missing"},
	} {
		body, kind := form(t, c.fields...)
		w := ask(t, s, "POST", c.path, body, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		require.Equal(t, c.status, w.Code, "%s: %s", c.fields, w.Body)
		require.Contains(t, w.Body.String(), c.text)
	}
}

// TestTextsOfEmbeddings: as many and as long as they may be, and one more.
func TestTextsOfEmbeddings(t *testing.T) {
	s := newServer(Options{Logger: quiet()}, fake(instant))
	texts := func(n, length int) string {
		data, err := json.Marshal(map[string]any{"input": strings.Split(strings.TrimSuffix(strings.Repeat(strings.Repeat("é", length)+",", n), ","), ",")})
		require.NoError(t, err)
		return string(data)
	}
	for body, status := range map[string]int{
		texts(64, 1): 200, texts(65, 1): 400, texts(1, 10_000): 200, texts(1, 10_001): 400, texts(1, 0): 400, `{"input":[]}`: 400, `{"input":null}`: 400,
		`{"input":"a","dimensions":4}`: 200, `{"input":"a","dimensions":5}`: 400, `{"input":"a","dimensions":1}`: 200, `{"input":"a","dimensions":0}`: 400,
	} {
		w := ask(t, s, "POST", "/v1/embeddings", body, nil)
		require.Equal(t, status, w.Code, "%.60s", body)
	}
	w := ask(t, s, "POST", "/v1/embeddings", `{"input":["a","b"],"model":"m"}`, nil)
	require.JSONEq(t, `{"object":"list","model":"m","usage":{"prompt_tokens":2,"total_tokens":2},"data":[{"object":"embedding","index":0,"embedding":[0.6,0.8,0,0]},{"object":"embedding","index":1,"embedding":[0.6,0.8,0,0]}]}`, w.Body.String())
	require.Equal(t, []float32{0, 0}, openai.Unit([]float32{0, 0}))
}

// TestLog: work is logged, probes only where all is, and the server's own faults with why.
func TestLog(t *testing.T) {
	for level, lines := range map[slog.Level]int{slog.LevelInfo: 2, slog.LevelDebug: 3} {
		var log bytes.Buffer
		s := newServer(Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))}, fake(func(context.Context, *request.Request, request.Options) error { return errors.New("why") }))
		require.Equal(t, 200, ask(t, s, "GET", "/ping", "", nil).Code)
		w := ask(t, s, "POST", "/predict", seeded(1), nil)
		require.Equal(t, 500, w.Code)
		id := w.Header().Get("X-Request-Id")
		require.Equal(t, lines, strings.Count(log.String(), "\n"), log.String())
		require.Contains(t, log.String(), `level=ERROR msg="request failed" id=`+id+` error=why`)
		require.Contains(t, log.String(), `msg=request id=`+id+` method=POST path=/predict status=500`)
	}
}

// TestClientsByKey: who shows the same key is the same client, wherever it comes from; X-API-Key counts first.
func TestClientsByKey(t *testing.T) {
	k := newKeys([]string{"one", "two"})
	client := func(k keys, remote string, headers ...string) (string, bool) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = remote
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return k.client(r)
	}
	one, ok := client(k, "10.0.0.1:1", "Authorization", "Bearer one")
	require.True(t, ok)
	again, ok := client(k, "10.0.0.2:1", "X-API-Key", "one", "Authorization", "Bearer two")
	require.True(t, ok)
	require.Equal(t, one, again)
	two, ok := client(k, "10.0.0.1:1", "Authorization", "Bearer two")
	require.True(t, ok)
	require.NotEqual(t, one, two)
	_, ok = client(k, "10.0.0.1:1", "X-API-Key", "three", "Authorization", "Bearer two")
	require.False(t, ok)
	name, ok := client(nil, "10.0.0.1:1")
	require.True(t, ok)
	require.Equal(t, "10.0.0.1", name)
}
