package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/golden"
)

func serve(t *testing.T, model string, o Options) *httptest.Server {
	m, err := clip.Open(golden.Path("clip", model), clip.Options{})
	require.NoError(t, err)
	o.Model = m
	s := httptest.NewServer(New(o))
	t.Cleanup(func() {
		s.Close()
		require.NoError(t, m.Close())
	})
	return s
}

func post(t *testing.T, url, kind string, body io.Reader) (int, string) {
	res, err := http.Post(url, kind, body)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "application/json", res.Header.Get("Content-Type"))
	return res.StatusCode, string(data)
}

// references returns the vectors of the reference for texts or pictures.
func references(t *testing.T, key string) func(i int) []float32 {
	want := golden.Tensors(t, golden.Path("clip", "quick", "refs.safetensors"))[key]
	width := want.Shape()[1]
	return func(i int) []float32 { return want.Float32s()[i*width : (i+1)*width] }
}

type list struct {
	Data []struct {
		Index     int
		Embedding json.RawMessage
	}
	Model string
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
	}
}

func embed(t *testing.T, s *httptest.Server, q map[string]any) list {
	body, err := json.Marshal(q)
	require.NoError(t, err)
	status, text := post(t, s.URL+"/v1/embeddings", "application/json", bytes.NewReader(body))
	require.Equal(t, http.StatusOK, status, text)
	var l list
	require.NoError(t, json.Unmarshal([]byte(text), &l))
	return l
}

func TestEmbeddings(t *testing.T) {
	s, want := serve(t, "quick", Options{}), references(t, "text_embeds")
	l := embed(t, s, map[string]any{"input": []string{"a red circle", ""}, "model": "x"})
	require.Equal(t, "x", l.Model)
	require.Equal(t, 5+2, l.Usage.PromptTokens)
	for i, d := range l.Data {
		var v []float32
		require.NoError(t, json.Unmarshal(d.Embedding, &v))
		require.InDeltaSlice(t, want(i), v, 1e-5)
	}
	// As OpenAI's own client asks.
	l = embed(t, s, map[string]any{"input": "a red circle", "model": "x", "encoding_format": "base64"})
	var encoded string
	require.NoError(t, json.Unmarshal(l.Data[0].Embedding, &encoded))
	raw, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err)
	require.Len(t, raw, 4*20)
	l = embed(t, s, map[string]any{"input": "a red circle", "dimensions": 7})
	require.Equal(t, "quick", l.Model, "clients expect a name where they gave none")
	var v []float32
	require.NoError(t, json.Unmarshal(l.Data[0].Embedding, &v))
	require.Len(t, v, 7)
	require.InDelta(t, 1, clip.Cosine(v, v), 1e-6)
	require.InDelta(t, want(0)[1]/want(0)[0], v[1]/v[0], 1e-4)
}

func TestPicturesByDataURI(t *testing.T) {
	s, want := serve(t, "quick", Options{}), references(t, "image_embeds")
	png, err := os.ReadFile(golden.Path("clip", "pictures", "large.png"))
	require.NoError(t, err)
	uri := "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)
	l := embed(t, s, map[string]any{"input": []string{uri, uri}, "modality": "image"})
	for _, d := range l.Data {
		var v []float32
		require.NoError(t, json.Unmarshal(d.Embedding, &v))
		require.InDeltaSlice(t, want(0), v, 1e-5)
	}
}

// form is a request as Immich sends it.
func form(t *testing.T, entries, text string, picture []byte) (string, io.Reader) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(t, w.WriteField("entries", entries))
	if picture != nil {
		p, err := w.CreateFormFile("image", "blob")
		require.NoError(t, err)
		_, err = p.Write(picture)
		require.NoError(t, err)
	} else {
		require.NoError(t, w.WriteField("text", text))
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), &body
}

func TestImmich(t *testing.T) {
	s := serve(t, "quick", Options{})
	png, err := os.ReadFile(golden.Path("clip", "pictures", "large.png"))
	require.NoError(t, err)
	for _, c := range []struct {
		entries string
		picture []byte
		want    []float32
	}{
		{`{"clip":{"visual":{"modelName":"ViT-B-32__openai"}}}`, png, references(t, "image_embeds")(0)},
		{`{"clip":{"textual":{"modelName":"ViT-B-32__openai","options":{"language":"en"}}}}`, nil, references(t, "text_embeds")(0)},
	} {
		kind, body := form(t, c.entries, "a red circle", c.picture)
		status, text := post(t, s.URL+"/predict", kind, body)
		require.Equal(t, http.StatusOK, status, text)
		var a struct {
			CLIP        string
			ImageHeight *int
			ImageWidth  *int
		}
		require.NoError(t, json.Unmarshal([]byte(text), &a))
		var v []float32
		require.NoError(t, json.Unmarshal([]byte(a.CLIP), &v))
		require.InDeltaSlice(t, c.want, v, 1e-5)
		if c.picture != nil {
			require.Equal(t, [2]int{200, 133}, [2]int{*a.ImageWidth, *a.ImageHeight})
		} else {
			require.Nil(t, a.ImageWidth)
		}
	}
	for path, want := range map[string]string{"/ping": "pong", "/": `{"message":"Immich ML"}` + "\n", "/v1/models": `"id":"quick"`} {
		res, err := http.Get(s.URL + path)
		require.NoError(t, err)
		data, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Contains(t, string(data), want)
	}
}

func TestFaults(t *testing.T) {
	s := serve(t, "quick", Options{MaxBody: 10000})
	for body, want := range map[string]string{
		`{`:                                   "body is",
		`{"input": 5}`:                        "input is",
		`{"model": "x"}`:                      "input is missing",
		`{"input": [[1, 2]]}`:                 "no ids of tokens",
		`{"input": []}`:                       "input has 0 entries, want 1 to 2048",
		`{"input": "x", "dimensions": 21}`:    "dimensions is 21, want 1 to 20",
		`{"input": "x", "modality": "audio"}`: `modality is \"audio\"`,
		`{"input": "x", "encoding_format": "hex"}`:                     `encoding_format is \"hex\"`,
		`{"input": "http://x/y.png", "modality": "image"}`:             "easel fetches nothing",
		`{"input": "data:image/png;base64,?", "modality": "image"}`:    "input[0] is no base64",
		`{"input": "data:image/png;base64,AAAA", "modality": "image"}`: "input[0] is no picture",
		`{"input": "x", "colour": 1}`:                                  "colour",
		`{"input": "` + strings.Repeat("x", 11000) + `"}`:              "body has more than 10000 bytes",
	} {
		status, text := post(t, s.URL+"/v1/embeddings", "application/json", strings.NewReader(body))
		require.GreaterOrEqual(t, status, 400, body)
		require.Less(t, status, 500, body)
		require.Contains(t, text, want, body)
	}
	for entries, want := range map[string]string{
		`{"facial-recognition":{}}`: "easel has no other tasks", `{`: "easel has no other tasks",
		`{"clip":{"visual":{"modelName":"x"}}}`: "image is missing",
	} {
		kind, body := form(t, entries, "x", nil)
		status, text := post(t, s.URL+"/predict", kind, body)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, text, want)
	}
	kind, body := form(t, `{"clip":{"visual":{"modelName":"x"}}}`, "", []byte("no picture"))
	status, text := post(t, s.URL+"/predict", kind, body)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, text, "image is no picture")
	status, text = post(t, s.URL+"/predict", "application/json", strings.NewReader("{}"))
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, text, "no multipart form")
	vision := serve(t, "vision", Options{})
	status, text = post(t, vision.URL+"/v1/embeddings", "application/json", strings.NewReader(`{"input": "x"}`))
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, text, "no text tower")
}

func TestKeys(t *testing.T) {
	s := serve(t, "quick", Options{APIKeys: []string{"secret", "other"}})
	for key, want := range map[string]int{"": 401, "Bearer wrong": 401, "Bearer secret": 200, "bearer other": 200} {
		r, err := http.NewRequest(http.MethodPost, s.URL+"/v1/embeddings", strings.NewReader(`{"input": "x"}`))
		require.NoError(t, err)
		r.Header.Set("Authorization", key)
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, key)
	}
}

// TestManyClients holds that no answers are mixed up.
func TestManyClients(t *testing.T) {
	s := serve(t, "quick", Options{})
	word := func(i int) string { return strings.Repeat("cat ", i) }
	ask := func(i int) ([]float32, error) {
		res, err := http.Post(s.URL+"/v1/embeddings", "application/json", strings.NewReader(fmt.Sprintf(`{"input": %q}`, word(i))))
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		var l struct {
			Data []struct{ Embedding []float32 }
		}
		if err := json.NewDecoder(res.Body).Decode(&l); err != nil {
			return nil, err
		}
		return l.Data[0].Embedding, nil
	}
	want := make([][]float32, 64)
	for i := range want {
		v, err := ask(i)
		require.NoError(t, err)
		want[i] = v
	}
	var all sync.WaitGroup
	for i := range want {
		all.Go(func() {
			v, err := ask(i)
			if err != nil {
				t.Error(err)
				return
			}
			for j := range v {
				if math.Float32bits(v[j]) != math.Float32bits(want[i][j]) {
					t.Errorf("text %d: number %d is %g, want %g", i, j, v[j], want[i][j])
					return
				}
			}
		})
	}
	all.Wait()
}
