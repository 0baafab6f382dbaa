package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/demo"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/request"
)

// start runs a server on the model in the box.
func start(t *testing.T, o Options) string {
	m, err := demo.Open(sdxl.OpenOptions{})
	require.NoError(t, err)
	return startModel(t, m, o)
}

func startModel(t *testing.T, m *sdxl.Model, o Options) string {
	b := cpu.New(cpu.Options{})
	o.Pipeline = sdxl.NewPipeline(m, b, sdxl.PipelineOptions{})
	t.Cleanup(func() { m.Close(); b.Close() })
	o.Logger = quiet()
	return listen(t, New(o))
}

// listen serves as easel serve does.
func listen(t *testing.T, s *Server) string {
	server := httptest.NewUnstartedServer(nil)
	server.Config = s.HTTPServer()
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// call posts a body, or gets where it is nil, and reads the answer.
func call(t *testing.T, url string, body []byte, headers ...string) (*http.Response, []byte) {
	t.Helper()
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, data
}

const body = `{"text_prompts":[{"text":"a red circle"}],"steps":2,"seed":42,"width":64,"height":64}`

// want is what the request above gives without a server.
func want(t *testing.T, body string) []byte {
	m, err := demo.Open(sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{})
	defer b.Close()
	r, err := request.Parse([]byte(body))
	require.NoError(t, err)
	answer, err := request.Predict(context.Background(), sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}), r, request.Options{})
	require.NoError(t, err)
	return answer.Artifacts[0].PNG
}

func artifact(t *testing.T, data []byte) []byte {
	var r request.Response
	require.NoError(t, json.Unmarshal(data, &r))
	require.Len(t, r.Artifacts, 1)
	require.Equal(t, int64(42), r.Artifacts[0].Seed)
	require.Equal(t, "SUCCESS", r.Artifacts[0].FinishReason)
	return r.Artifacts[0].PNG
}

func TestTextToImage(t *testing.T) {
	url := start(t, Options{})
	picture := want(t, body)
	for _, path := range []string{"/invocations", "/predict", "/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image"} {
		answer, data := call(t, url+path, []byte(body), "Content-Type", "application/json")
		require.Equal(t, 200, answer.StatusCode, string(data))
		require.True(t, bytes.Equal(picture, artifact(t, data)), path)
		answer, data = call(t, url+path, []byte(body), "Accept", "image/png")
		require.Equal(t, 200, answer.StatusCode)
		require.Equal(t, "42", answer.Header.Get("Seed"))
		require.Equal(t, "SUCCESS", answer.Header.Get("Finish-Reason"))
		require.True(t, bytes.Equal(picture, data), path)
	}
	answer, data := call(t, url+"/v1/generation/other/text-to-image", []byte(body))
	require.Equal(t, 404, answer.StatusCode)
	require.Contains(t, string(data), `no engine \"other\"; there are stable-diffusion-xl-1024-v1-0`)
}

func TestImageToImage(t *testing.T) {
	url := start(t, Options{})
	var init bytes.Buffer
	require.NoError(t, png.Encode(&init, image.NewNRGBA(image.Rect(0, 0, 64, 64))))
	asJSON := `{"text_prompts":[{"text":"a red circle","weight":0.8},{"text":"a star","weight":0.2}],"steps":4,"seed":42,"style_preset":"anime",
		"image_strength":0.4,"init_image":"` + base64.StdEncoding.EncodeToString(init.Bytes()) + `"}`
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range map[string]string{"text_prompts[0][text]": "a red circle", "text_prompts[0][weight]": "0.8", "text_prompts[1][text]": "a star",
		"text_prompts[1][weight]": "0.2", "steps": "4", "seed": "42", "style_preset": "anime", "image_strength": "0.4", "init_image_mode": "IMAGE_STRENGTH"} {
		require.NoError(t, w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("init_image", "init.png")
	require.NoError(t, err)
	_, err = part.Write(init.Bytes())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	picture := want(t, asJSON)
	path := url + "/v1/generation/" + DefaultEngine + "/image-to-image"
	answer, data := call(t, path, form.Bytes(), "Content-Type", w.FormDataContentType(), "Accept", "application/json")
	require.Equal(t, 200, answer.StatusCode, string(data))
	require.True(t, bytes.Equal(picture, artifact(t, data)))
	_, data = call(t, path, []byte(asJSON))
	require.True(t, bytes.Equal(picture, artifact(t, data)))

	answer, data = call(t, path, []byte(body))
	require.Equal(t, 400, answer.StatusCode)
	require.Contains(t, string(data), "init_image is missing")
	answer, data = call(t, strings.Replace(path, "image-to", "text-to", 1), []byte(asJSON))
	require.Equal(t, 400, answer.StatusCode)
	require.Contains(t, string(data), "init_image is given")
}

func TestEvents(t *testing.T) {
	url := start(t, Options{})
	answer, data := call(t, url+"/predict?preview=1", []byte(body), "Accept", "text/event-stream")
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	var names []string
	for part := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		name, value, ok := strings.Cut(strings.TrimPrefix(part, "event: "), "\ndata: ")
		require.True(t, ok)
		names = append(names, name)
		switch name {
		case "progress":
			var e event
			require.NoError(t, json.Unmarshal([]byte(value), &e))
			require.Equal(t, 2, e.Steps)
			if e.Step == 1 {
				c, err := png.DecodeConfig(bytes.NewReader(e.Preview))
				require.NoError(t, err)
				require.Equal(t, 64, c.Width)
			}
		case "result":
			require.True(t, bytes.Equal(want(t, body), artifact(t, []byte(value))))
		}
	}
	require.Equal(t, []string{"queued", "progress", "progress", "result"}, names)
	answer, data = call(t, url+"/predict?preview=x", []byte(body), "Accept", "text/event-stream")
	require.Equal(t, 400, answer.StatusCode)
	require.Contains(t, string(data), `preview is \"x\"`)
}

func TestEmbeddings(t *testing.T) {
	url := start(t, Options{})
	answer, data := call(t, url+"/v1/embeddings", []byte(`{"input":["a red circle","a star"],"model":"clip"}`))
	require.Equal(t, 200, answer.StatusCode, string(data))
	var got struct {
		Data []struct {
			Index     int
			Embedding []float32
		}
		Model string
		Usage struct {
			PromptTokens int `json:"prompt_tokens"`
		}
	}
	require.NoError(t, json.Unmarshal(data, &got))
	m, err := demo.Open(sdxl.OpenOptions{Parts: sdxl.TextParts})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{})
	defer b.Close()
	list, err := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}).EncodePrompts(context.Background(),
		[]sdxl.PromptText{{L: "a red circle", G: "a red circle"}, {L: "a star", G: "a star"}}, sdxl.PromptOptions{})
	require.NoError(t, err)
	for i, d := range got.Data {
		row := list[i].Pooled.Float32s()
		length, dot := 0.0, 0.0
		for j, v := range d.Embedding {
			length += float64(v) * float64(v)
			dot += float64(v) * float64(row[j])
		}
		require.InDelta(t, 1, length, 1e-6)
		require.InDelta(t, norm(row), dot, 1e-5*norm(row), "the same direction")
	}
	require.Equal(t, "clip", got.Model)
	require.Equal(t, 5+4, got.Usage.PromptTokens)

	_, data = call(t, url+"/v1/embeddings", []byte(`{"input":"a star","encoding_format":"base64"}`))
	var packed struct {
		Data  []struct{ Embedding []byte }
		Model string
	}
	require.NoError(t, json.Unmarshal(data, &packed))
	for i, v := range got.Data[1].Embedding {
		require.Equal(t, math.Float32bits(v), binary.LittleEndian.Uint32(packed.Data[0].Embedding[4*i:]))
	}
	require.Equal(t, DefaultEngine, packed.Model, "clients expect a name where they gave none")

	first := got.Data[1].Embedding[:3]
	var few struct {
		Data []struct{ Embedding []float32 }
	}
	_, data = call(t, url+"/v1/embeddings", []byte("\uFEFF"+`{"input":"a star","dimensions":3}`))
	require.NoError(t, json.Unmarshal(data, &few), "after a mark of UTF-8")
	require.Len(t, few.Data[0].Embedding, 3)
	for i, v := range few.Data[0].Embedding {
		require.InDelta(t, float64(first[i])/norm(first), v, 1e-6)
	}
	_, data = call(t, url+"/v1/embeddings", fmt.Appendf(nil, `{"input":"a star","dimensions":%d}`, len(list[0].Pooled.Float32s())))
	require.NoError(t, json.Unmarshal(data, &few))
	require.Equal(t, got.Data[1].Embedding, few.Data[0].Embedding)

	for body, field := range map[string]string{`{}`: "input", `{"input":[]}`: "input", `{"input":[""]}`: "input[0]", `{"input":3}`: "input", `[`: "body",
		`{"input":"x","encoding_format":"f16"}`: "encoding_format", `{"input":"x","dimensions":0}`: "dimensions",
		fmt.Sprintf(`{"input":"x","dimensions":%d}`, len(list[0].Pooled.Float32s())+1): "dimensions", `{"input":"x","dimension":3}`: "dimension"} {
		answer, data := call(t, url+"/v1/embeddings", []byte(body))
		require.Equal(t, 400, answer.StatusCode, body)
		require.Equal(t, []string{field}, violated(t, data), body)
	}
}

func norm(row []float32) float64 {
	sum := 0.0
	for _, v := range row {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func violated(t *testing.T, data []byte) []string {
	var f fault
	require.NoError(t, json.Unmarshal(data, &f), string(data))
	var fields []string
	for _, v := range f.Violations {
		fields = append(fields, v.Field)
	}
	return fields
}

func TestAPIKeys(t *testing.T) {
	url := start(t, Options{APIKeys: []string{"one", "two"}})
	for _, headers := range [][]string{{"Authorization", "Bearer two"}, {"Authorization", "one"}, {"X-API-Key", "one"}} {
		answer, _ := call(t, url+"/v1/engines/list", nil, headers...)
		require.Equal(t, 200, answer.StatusCode, headers)
	}
	for _, headers := range [][]string{nil, {"Authorization", "Bearer three"}, {"X-API-Key", "on"}} {
		answer, data := call(t, url+"/predict", []byte(body), headers...)
		require.Equal(t, 401, answer.StatusCode, headers)
		require.Contains(t, string(data), "Authorization: Bearer KEY")
	}
	answer, _ := call(t, url+"/ping", nil)
	require.Equal(t, 200, answer.StatusCode, "probes need no key")
}

func TestListsAndProbes(t *testing.T) {
	url := start(t, Options{})
	for path, want := range map[string]string{"/ping": "ok", "/healthz": "ok", "/readyz": "ready", "/v1/engines/list": DefaultEngine, "/v1/styles/list": "neon-punk",
		"/": "<title>easel</title>", "/app.js": "parameters", "/openapi.json": `"openapi"`, "/metrics": `easel_jobs_running 0`} {
		answer, data := call(t, url+path, nil)
		require.Equal(t, 200, answer.StatusCode, path)
		require.Contains(t, string(data), want, path)
	}
	call(t, url+"/predict", []byte(body))
	_, data := call(t, url+"/metrics", nil)
	for _, line := range []string{"easel_pictures_total 1", "easel_steps_total 2", "easel_jobs_running 0", `easel_requests_total{code="200",route="POST /predict"} 1`} {
		require.Contains(t, string(data), line)
	}
	answer, _ := call(t, url+"/predict", []byte(body), "Sec-Fetch-Site", "cross-site")
	require.Equal(t, 403, answer.StatusCode, "no other site's page may ask")
}

// TestOpenAPINamesEveryRoute compares the file with the routes and the request's fields.
func TestOpenAPINamesEveryRoute(t *testing.T) {
	url := start(t, Options{})
	_, data := call(t, url+"/openapi.json", nil)
	var doc struct {
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(data, &doc))
	for path, methods := range doc.Paths {
		for method := range methods {
			path := strings.NewReplacer("{engine}", DefaultEngine, "{model}", DefaultEngine).Replace(path)
			var body []byte
			if method == "post" {
				body = []byte("{")
			}
			answer, _ := call(t, url+path, body)
			require.NotContains(t, []int{404, 405}, answer.StatusCode, path)
		}
	}
	full := request.Request{TextPrompts: []request.TextPrompt{{}}, Height: new(1), Width: new(1), CFGScale: new(1.0), Steps: new(1), Seed: new(int64(1)), Samples: new(1),
		Sampler: "x", StylePreset: "x", ClipGuidancePreset: "x", InitImage: []byte("x"), InitImageMode: "x", ImageStrength: new(1.0), StepScheduleStart: new(1.0),
		StepScheduleEnd: new(1.0), Extras: &sdxl.Options{}}
	data, err := json.Marshal(full)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(data, &fields))
	for name := range fields {
		require.Contains(t, doc.Components.Schemas["Request"].Properties, name)
	}
	require.Len(t, doc.Components.Schemas["Request"].Properties, len(fields))
	names := request.ExtraNames()
	for _, name := range names {
		require.Contains(t, doc.Components.Schemas["Extras"].Properties, name)
	}
	require.Len(t, doc.Components.Schemas["Extras"].Properties, len(names))
}

// TestOpenAPINamesEveryChoice compares lists of names in the file with those of the
// packages that know them.
func TestOpenAPINamesEveryChoice(t *testing.T) {
	_, data := call(t, start(t, Options{})+"/openapi.json", nil)
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(data, &doc))
	for name, want := range map[string][]string{
		"Extras.noise": sdxl.Noises(), "Extras.dialect": sched.DialectNames(), "Extras.prompt_syntax": prompt.Syntaxes(),
		"Guidance.method": guidance.Methods(), "Guidance.schedule": guidance.Schedules(),
	} {
		schema, field, _ := strings.Cut(name, ".")
		require.Equal(t, want, doc.Components.Schemas[schema].Properties[field].Enum, name)
	}
}
