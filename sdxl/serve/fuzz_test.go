package serve

import (
	"bytes"
	"mime/multipart"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

// FuzzRequests sends bodies of any kind to the routes that take one: the answer
// is no fault of the server's, small, and costs little.
func FuzzRequests(f *testing.F) {
	s := newServer(Options{Logger: quiet(), MaxBody: 1 << 20}, fake(instant))
	form := func(fields ...string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		require.NoError(f, w.SetBoundary("B"))
		for i := 0; i < len(fields); i += 2 {
			require.NoError(f, w.WriteField(fields[i], fields[i+1]))
		}
		picture, err := w.CreateFormFile("init_image", "x.png")
		require.NoError(f, err)
		_, err = picture.Write([]byte("\x89PNG"))
		require.NoError(f, err)
		require.NoError(f, w.Close())
		f.Add(b.Bytes(), "multipart/form-data; boundary=B", "image/png, application/json;q=0.5")
	}
	form("text_prompts[0][text]", "a", "text_prompts[0][weight]", "1", "steps", "3")
	form("text_prompts[1][text]", "a", "extras", `{"crop":[1,2]}`, "text_prompts", "[]")
	f.Add([]byte(`{"text_prompts":[{"text":"x"}],"seed":1}`), "application/json", "text/event-stream")
	f.Add([]byte(`{"input":["x"],"dimensions":2}`), "multipart/form-data", "*/*")
	paths := []string{
		"/predict", "/invocations?preview=3", "/v1/embeddings", "/v1/generation/" + DefaultEngine + "/image-to-image", "/v1/generation/" + DefaultEngine + "/text-to-image",
	}
	f.Fuzz(func(t *testing.T, body []byte, kind, accept string) {
		most := bounded.Text
		most.Bytes *= 8 // of answers, and of what a request is beside its body
		bounded.Check(t, len(body)+len(kind)+len(accept), most, func() {
			for _, path := range paths {
				r := httptest.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1"+path, bytes.NewReader(body))
				r.Header.Set("Content-Type", kind)
				r.Header.Set("Accept", accept)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				require.True(t, w.Code >= 200 && w.Code < 500, "%s: %d %s", path, w.Code, w.Body)
				require.Less(t, w.Body.Len(), 64<<10, path)
			}
		})
	})
}
