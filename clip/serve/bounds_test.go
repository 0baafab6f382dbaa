package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/httplimit"
)

// TestDefaults: what is not given is as the documentation has it, and what is given stays.
func TestDefaults(t *testing.T) {
	h := handler(t, Options{})
	require.Equal(t, []any{"quick", int64(64 << 20), int64(256 << 20), 256, 30 * time.Second, 30 * time.Second, 4096, 1024},
		[]any{h.Name, h.MaxBody, h.Bodies, h.Requests, h.ReadTimeout, h.WriteTimeout, h.Connections, h.ConnectionsPerClient})
	require.Equal(t, []int64{256 << 20, 256}, []int64{h.bodies.Free(), h.requests.Free()})
	given := Options{Name: "n", MaxBody: 1, Bodies: 2, Requests: 3, ReadTimeout: 4, WriteTimeout: 5, Connections: 6, ConnectionsPerClient: 7}
	h = handler(t, given)
	given.Model, given.Logger = h.Model, h.Logger
	require.Equal(t, given, h.Options)
}

// TestDeadlinesOfForms are those of JSON: the body's ends when it was read.
func TestDeadlinesOfForms(t *testing.T) {
	h := handler(t, Options{ReadTimeout: time.Hour})
	kind, body := form(t, `{"clip":{"textual":{"modelName":"x"}}}`, "a", nil)
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/predict", body)
	r.Header.Set("Content-Type", kind)
	h.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code, w.Body)
	require.Len(t, w.read, 2)
	require.Zero(t, w.read[1])
	require.Equal(t, h.Bodies, h.bodies.Free())
	require.Equal(t, int64(h.Requests), h.requests.Free())
}

// TestFaultsOfBodies: each has its status, and the connection is closed.
func TestFaultsOfBodies(t *testing.T) {
	h := handler(t, Options{MaxBody: 9})
	for _, c := range []struct {
		err    error
		status int
	}{{&http.MaxBytesError{Limit: 9}, 413}, {httplimit.ErrNoRoom, 503}, {errors.New("x"), 400}} {
		w := httptest.NewRecorder()
		var f *fault
		require.ErrorAs(t, h.checkBody(w, c.err), &f)
		require.Equal(t, c.status, f.status)
		require.Equal(t, "close", w.Header().Get("Connection"))
		refused(w, f)
		require.Equal(t, c.status, w.Code)
		require.Equal(t, c.status == 503, w.Header().Get("Retry-After") == "1")
		var answer struct{ Error struct{ Type string } }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
		require.Equal(t, c.status == 503, answer.Error.Type == "server_error")
	}
	w := httptest.NewRecorder()
	answer(w, 200, math.NaN())
	require.Equal(t, 500, w.Code)
	require.Contains(t, w.Body.String(), "not finite")
}

// TestPartsOfForms: each is there once, and no other.
func TestPartsOfForms(t *testing.T) {
	h := handler(t, Options{})
	const textual, visual = `{"clip":{"textual":{"modelName":"x"}}}`, `{"clip":{"visual":{"modelName":"x"}}}`
	for _, c := range []struct {
		parts  [][2]string
		status int
		text   string
	}{
		{[][2]string{{"entries", textual}, {"text", "a"}}, 200, `"clip":`},
		{[][2]string{{"entries", textual}, {"text", ""}}, 200, `"clip":`},
		{[][2]string{{"text", "a"}}, 400, "entries is missing"},
		{[][2]string{{"entries", textual}}, 400, "text is missing"},
		{[][2]string{{"entries", visual}, {"text", "a"}}, 400, "image is missing"},
		{[][2]string{{"entries", textual}, {"text", "a"}, {"text", "b"}}, 400, "is there twice"},
		{[][2]string{{"entries", textual}, {"other", "a"}}, 400, "has the part"},
		{[][2]string{{"entries", `{"clip":{"textual":{},"visual":{}}}`}, {"text", "a"}}, 400, "easel has no other tasks"},
		{[][2]string{{"entries", `{"clip":{}}`}, {"text", "a"}}, 400, "easel has no other tasks"},
		{[][2]string{{"entries", `{}`}, {"text", "a"}}, 400, "easel has no other tasks"},
	} {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, p := range c.parts {
			require.NoError(t, w.WriteField(p[0], p[1]))
		}
		require.NoError(t, w.Close())
		got := ask(t, h, "/predict", w.FormDataContentType(), b.String(), nil)
		require.Equal(t, c.status, got.Code, "%v: %s", c.parts, got.Body)
		require.Contains(t, got.Body.String(), c.text)
	}
}

// TestFieldsOfRequests: each at its ends, and one past them.
func TestFieldsOfRequests(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"input":"a","dimensions":1}`: true, `{"input":"a","dimensions":0}`: false, `{"input":"a","dimensions":20}`: true, `{"input":"a","dimensions":21}`: false,
		`{"input":"a","modality":"text"}`: true, `{"input":"a","modality":"image"}`: true, `{"input":"a","modality":"x"}`: false,
		`{"input":"a","encoding_format":"float"}`: true, `{"input":"a","encoding_format":"base64"}`: true, `{"input":null}`: false, `{"input":[]}`: false, `{"input":["a"]}`: true,
	} {
		_, _, err := parse([]byte(body), 20)
		require.Equal(t, ok, err == nil, "%s: %v", body, err)
	}
}

// TestLongBodiesAreNotRead: what says that it is too long is answered before any of it is read.
func TestLongBodiesAreNotRead(t *testing.T) {
	h := handler(t, Options{MaxBody: 20})
	for length, status := range map[int64]int{20: 400, 21: 413} {
		body := &counting{}
		w := ask(t, h, "/v1/embeddings", "application/json", "", func(r *http.Request) { r.Body, r.ContentLength = body, length })
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
