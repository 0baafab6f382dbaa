package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/golden"
)

func handler(t testing.TB, o Options) *Handler {
	m, err := clip.Open(golden.Path("clip", "quick"), clip.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	o.Model = m
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return New(o)
}

// ask sends a request to the handler itself.
func ask(t testing.TB, h http.Handler, path, kind, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestStrangersNames: without keys the server answers under no other's name.
func TestStrangersNames(t *testing.T) {
	for _, c := range []struct {
		o      Options
		host   string
		status int
	}{
		{Options{}, "evil.example", 403}, {Options{}, "127.0.0.1:3003", 200}, {Options{}, "nas", 200},
		{Options{Hosts: []string{"photos.example"}}, "photos.example", 200}, {Options{APIKeys: []string{"k"}}, "evil.example", 200},
	} {
		w := ask(t, handler(t, c.o), "/v1/embeddings", "application/json", `{"input":"a"}`, func(r *http.Request) {
			r.Host = c.host
			r.Header.Set("X-API-Key", "k")
		})
		require.Equal(t, c.status, w.Code, "%+v", c)
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	}
}

// TestAnswersAreSmall whatever the request holds, and at the limits it is answered.
func TestAnswersAreSmall(t *testing.T) {
	h := handler(t, Options{})
	long := strings.Repeat("x", 1<<20)
	text := func(n, size int) string {
		data, err := json.Marshal(map[string]any{"input": slicesOf(strings.Repeat("x", size), n)})
		require.NoError(t, err)
		return string(data)
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"model":          {`{"input":"a","model":"` + strings.Repeat("m", maxName) + `"}`, 200},
		"longer model":   {`{"input":"a","model":"` + strings.Repeat("m", maxName+1) + `"}`, 400},
		"field":          {`{"` + long + `":1}`, 400},
		"deep":           {`{"input":` + strings.Repeat("[", 100_000), 400},
		"number":         {`{"input":"a","dimensions":1e400}`, 400},
		"text":           {text(1, maxTextSize), 200},
		"longer text":    {text(1, maxTextSize+1), 400},
		"texts":          {text(maxTexts/maxTextSize, maxTextSize), 200},
		"more of text":   {text(maxTexts/maxTextSize+1, maxTextSize), 400},
		"many texts":     {text(maxInputs, 1), 200},
		"too many texts": {text(maxInputs+1, 1), 400},
	} {
		w := ask(t, h, "/v1/embeddings", "application/json", c.body, nil)
		require.Equal(t, c.status, w.Code, "%s: %.300s", name, w.Body)
		if w.Code != 200 {
			require.Less(t, w.Body.Len(), 8<<10, name)
		}
	}
	for name, c := range map[string]struct{ kind, body string }{
		"part":     {"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"" + long + "\"\r\n\r\nx\r\n--B--\r\n"},
		"entries":  {"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"entries\"\r\n\r\n" + long + "\r\n--B--\r\n"},
		"boundary": {"multipart/form-data; boundary=" + long, "x"},
		"type":     {long, "x"},
	} {
		w := ask(t, h, "/predict", c.kind, c.body, nil)
		require.Equal(t, 400, w.Code, name)
		require.Less(t, w.Body.Len(), 8<<10, name)
	}
}

func slicesOf(text string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = text
	}
	return list
}

// TestSharesOfClients: a client whose uploads stand still takes half of the room
// at most, of bytes and of requests, and gives it back.
func TestSharesOfClients(t *testing.T) {
	for name, o := range map[string]Options{
		"requests": {Requests: 4},
		"bytes":    {MaxBody: 1000, Bodies: 4000},
	} {
		o.APIKeys = []string{"a", "b"}
		h := handler(t, o)
		server := httptest.NewServer(h)
		var uploads []net.Conn
		for range 2 {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			_, err = fmt.Fprintf(conn, "POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: a\r\nContent-Length: 1000\r\n\r\n%s", strings.Repeat(" ", 999))
			require.NoError(t, err)
			uploads = append(uploads, conn)
		}
		status := func(key string) int {
			return ask(t, h, "/v1/embeddings", "application/json", `{"input":"a"}`, func(r *http.Request) { r.Header.Set("X-API-Key", key) }).Code
		}
		require.Eventually(t, func() bool { return h.requests.Free() == int64(h.Requests)-2 && h.bodies.Free() == h.Bodies-2*999 }, time.Minute, time.Millisecond, name)
		require.Equal(t, 503, status("a"), name)
		require.Equal(t, 200, status("b"), name)
		for _, conn := range uploads {
			require.NoError(t, conn.Close())
		}
		require.Eventually(t, func() bool { return status("a") == 200 }, time.Minute, time.Millisecond, name)
		server.Close()
	}
}

// TestPicturesTakeTurns: who sends one picture does not wait for all of who
// sends many.
func TestPicturesTakeTurns(t *testing.T) {
	h := handler(t, Options{APIKeys: []string{"many", "one"}})
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 200))))
	uri := "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
	send := func(key string, n int) *httptest.ResponseRecorder {
		body, err := json.Marshal(map[string]any{"input": slicesOf(uri, n), "modality": "image"})
		require.NoError(t, err)
		return ask(t, h, "/v1/embeddings", "application/json", string(body), func(r *http.Request) { r.Header.Set("X-API-Key", key) })
	}
	var all sync.WaitGroup
	ended := make(chan struct{})
	all.Go(func() {
		if w := send("many", 600); w.Code != 200 {
			t.Errorf("%d %.200s", w.Code, w.Body)
		}
		close(ended)
	})
	require.Eventually(t, func() bool { waiting, _, _ := h.reading.Load(); return waiting > 0 }, time.Minute, time.Millisecond)
	require.Equal(t, 200, send("one", 1).Code)
	select {
	case <-ended:
		t.Error("it waited for all others")
	default:
	}
	all.Wait()
}

// TestPanic ends its request alone, and is told.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	h := handler(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	m := h.Model
	h.Model = nil
	w := ask(t, h, "/v1/embeddings", "application/json", `{"input":"a"}`, nil)
	require.Equal(t, 500, w.Code)
	require.Contains(t, w.Body.String(), "server_error")
	require.Contains(t, log.String(), "level=ERROR msg=panic")
	require.Contains(t, log.String(), "embeddings.go")
	h.Model = m
	require.Equal(t, 200, ask(t, h, "/v1/embeddings", "application/json", `{"input":"a"}`, nil).Code)
}

// TestPanicInAnAnswer cuts it.
func TestPanicInAnAnswer(t *testing.T) {
	h := handler(t, Options{})
	for _, c := range []struct{ value, want any }{{"broke", http.ErrAbortHandler}, {http.ErrAbortHandler, http.ErrAbortHandler}} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		require.PanicsWithValue(t, c.want, func() {
			h.bounded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusOK)
				panic(c.value)
			})).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		})
		require.Len(t, w.write, 2, "the head, the end")
	}
}

// TestBodiesThatDoNotCome are answered, and their connections closed.
func TestBodiesThatDoNotCome(t *testing.T) {
	s := httptest.NewServer(handler(t, Options{ReadTimeout: 50 * time.Millisecond}))
	defer s.Close()
	for path, kind := range map[string]string{"/v1/embeddings": "application/json", "/predict": "multipart/form-data; boundary=B"} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\n--B\r\n", path, kind)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(answer), "408 Request Timeout", path)
		require.Contains(t, string(answer), "Connection: close", path)
		require.NoError(t, conn.Close())
	}
}

// FuzzRequests sends bodies of any kind to the routes that take one: the answer
// is no fault of the server's, small, and costs little.
func FuzzRequests(f *testing.F) {
	h := handler(f, Options{MaxBody: 1 << 20})
	f.Add([]byte(`{"input":["x",""],"dimensions":2,"encoding_format":"base64"}`), "application/json")
	f.Add([]byte(`{"input":"data:image/gif;base64,R0lGODdhAQABAIAAAAAAAAAAACwAAAAAAQABAAACAkQBADs=","modality":"image"}`), "application/json")
	for _, entries := range []string{`{"clip":{"textual":{"modelName":"x"}}}`, `{"clip":{"visual":{"modelName":"x"}}}`} {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		require.NoError(f, w.SetBoundary("B"))
		require.NoError(f, w.WriteField("entries", entries))
		require.NoError(f, w.WriteField("text", "a"))
		require.NoError(f, w.WriteField("image", "GIF89a"))
		require.NoError(f, w.Close())
		f.Add(b.Bytes(), "multipart/form-data; boundary=B")
	}
	// Networks that are compiled for a length, and pictures of some size.
	most := bounded.Cost{Bytes: 128 << 20, BytesPerByte: 8 << 10, Time: 10 * time.Second, TimePerByte: time.Millisecond}
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		bounded.Check(t, len(body), most, func() {
			for _, path := range []string{"/v1/embeddings", "/predict"} {
				w := ask(t, h, path, kind, string(body), nil)
				require.True(t, w.Code >= 200 && w.Code < 500, "%s: %d %s", path, w.Code, w.Body)
				if w.Code != 200 {
					require.Less(t, w.Body.Len(), 8<<10)
				}
			}
		})
	})
}
