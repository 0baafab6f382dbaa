package hubpull

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/hubcache"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

// fakeHub is a hub with a store of large files on another host, which misbehaves as told.
type fakeHub struct {
	*httptest.Server
	store *httptest.Server
	files map[string]string
	lfs   map[string]bool

	mu       sync.Mutex
	requests []string // with their ranges
	leaked   bool     // the store saw the token
	wants    string   // the token, "" for none
	// fault answers in place of the store, if it returns true.
	fault func(n int, w http.ResponseWriter, r *http.Request) bool
	n     int
}

func newHub(t *testing.T) *fakeHub {
	h := &fakeHub{files: map[string]string{}, lfs: map[string]bool{}}
	for _, name := range []string{"model_index.json", "README.md", "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer_2/vocab.json",
		"unet/config.json", "vae/config.json", "text_encoder/config.json", "text_encoder_2/config.json", "vae_decoder/model.onnx", "safety_checker/config.json"} {
		h.files[name] = "{\"of\": \"" + name + "\"}"
	}
	for _, name := range []string{"unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model", "text_encoder_2/model"} {
		for _, end := range []string{".safetensors", ".fp16.safetensors", ".bin", ".msgpack"} {
			h.files[name+end], h.lfs[name+end] = strings.Repeat(name+end, 5000), true
		}
	}
	delete(h.files, "vae/diffusion_pytorch_model.fp16.safetensors")
	h.store = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.leaked = h.leaked || r.Header.Get("Authorization") != ""
		h.requests = append(h.requests, r.URL.Path+" "+r.Header.Get("Range"))
		n := h.n
		h.n++
		h.mu.Unlock()
		if h.fault != nil && h.fault(n, w, r) {
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(h.files[strings.TrimPrefix(r.URL.Path, "/")]))
	}))
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Server.Close)
	t.Cleanup(h.store.Close)
	return h
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	if h.wants != "" && r.Header.Get("Authorization") != "Bearer "+h.wants {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/org/model/resolve/"+sha+"/"); ok {
		if h.lfs[rest] {
			http.Redirect(w, r, h.store.URL+"/"+rest, http.StatusFound)
			return
		}
		fmt.Fprint(w, h.files[rest])
		return
	}
	if r.URL.Path != "/api/models/org/model/revision/main" && r.URL.Path != "/api/models/org/model/revision/v1" {
		w.WriteHeader(map[string]int{"/api/models/org/gated/revision/main": 403, "/api/models/org/private/revision/main": 401}[r.URL.Path] + 0)
		return
	}
	var list []map[string]any
	for name, content := range h.files {
		f := map[string]any{"rfilename": name, "size": len(content), "blobId": fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content)))}
		if h.lfs[name] {
			f["lfs"] = map[string]any{"sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(content))), "size": len(content)}
		}
		list = append(list, f)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"sha": sha, "siblings": list})
}

// client returns a client of the hub, and the pauses that it makes instead of waiting.
func (h *fakeHub) client(t *testing.T, token string) (*Client, *[]time.Duration) {
	c := New(h.URL, token, t.TempDir(), t.Logf)
	pauses := new([]time.Duration)
	c.pause = func(ctx context.Context, d time.Duration) error { *pauses = append(*pauses, d); return ctx.Err() }
	return c, pauses
}

// requireModel checks the files of a snapshot, and that nothing else lies in the cache.
func (h *fakeHub) requireModel(t *testing.T, c *Client, path string, want ...string) {
	t.Helper()
	require.Equal(t, filepath.Join(c.Cache, "models--org--model", "snapshots", sha), path)
	var got []string
	require.NoError(t, filepath.WalkDir(path, func(at string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		if d.IsDir() {
			return nil
		}
		name, err := filepath.Rel(path, at)
		require.NoError(t, err)
		data, err := os.ReadFile(at)
		require.NoError(t, err)
		require.Equal(t, h.files[filepath.ToSlash(name)], string(data), name)
		got = append(got, filepath.ToSlash(name))
		return nil
	}))
	slices.Sort(want)
	require.Equal(t, want, got)
	blobs, err := os.ReadDir(filepath.Join(c.Cache, "models--org--model", "blobs"))
	require.NoError(t, err)
	for _, b := range blobs {
		require.NotContains(t, b.Name(), "incomplete")
	}
}

var folder = []string{"model_index.json", "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer_2/vocab.json", "unet/config.json", "vae/config.json",
	"text_encoder/config.json", "text_encoder_2/config.json", "vae/diffusion_pytorch_model.safetensors"}

var fp16 = append(slices.Clone(folder), "unet/diffusion_pytorch_model.fp16.safetensors", "text_encoder/model.fp16.safetensors", "text_encoder_2/model.fp16.safetensors")

// TestPull downloads what is read of a model, once, where the cache finds it; the token stays with the hub.
func TestPull(t *testing.T) {
	h := newHub(t)
	h.wants = "secret"
	c, _ := h.client(t, "secret")
	path, err := c.Pull(t.Context(), "org/model", "", "")
	require.NoError(t, err)
	h.requireModel(t, c, path, fp16...)
	require.False(t, h.leaked, "the token went to another host")
	t.Setenv("HF_HUB_CACHE", c.Cache)
	found, err := hubcache.Find("org/model")
	require.NoError(t, err)
	require.Equal(t, path, found)
	before := len(h.requests)
	again, err := c.Pull(t.Context(), "org/model", "main", "")
	require.NoError(t, err)
	require.Equal(t, path, again)
	require.Len(t, h.requests, before, "nothing is downloaded twice")
	one, err := c.Pull(t.Context(), "org/model/unet/diffusion_pytorch_model.bin", "v1", "")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(path, "unet", "diffusion_pytorch_model.bin"), one)
	ref, err := os.ReadFile(filepath.Join(c.Cache, "models--org--model", "refs", "v1"))
	require.NoError(t, err)
	require.Equal(t, sha, string(ref))
}

// TestMisbehaviour: connections that are cut, servers that begin anew, send too much, too little or something
// else, and ones that are busy.
func TestMisbehaviour(t *testing.T) {
	cut := func(w http.ResponseWriter, r *http.Request, h *fakeHub, n int) {
		content := h.files[strings.TrimPrefix(r.URL.Path, "/")]
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write([]byte(content[:n]))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	for name, c := range map[string]struct {
		fault func(h *fakeHub, n int, w http.ResponseWriter, r *http.Request) bool
		want  string // of the error; "" for success
		check func(t *testing.T, h *fakeHub, pauses []time.Duration)
	}{
		"cut once": {fault: func(h *fakeHub, n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 0 {
				return false
			}
			cut(w, r, h, 1000)
			return true
		}, check: func(t *testing.T, h *fakeHub, _ []time.Duration) {
			require.True(t, strings.HasSuffix(h.requests[1], "bytes=1000-"), "it goes on where it was cut: %v", h.requests)
		}},
		"cut again and again": {fault: func(h *fakeHub, n int, w http.ResponseWriter, r *http.Request) bool {
			if n >= 12 {
				return false
			}
			content := h.files[strings.TrimPrefix(r.URL.Path, "/")]
			from, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"))
			w.Header().Set("Content-Length", strconv.Itoa(len(content)-from))
			if from > 0 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
				w.WriteHeader(http.StatusPartialContent)
			}
			_, _ = w.Write([]byte(content[from : from+100]))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
		"cut at once, always": {fault: func(_ *fakeHub, _ int, _ http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) },
			want: "the next try goes on with it", check: func(t *testing.T, h *fakeHub, pauses []time.Duration) { require.Len(t, pauses, mostTries-1) }},
		"no ranges": {fault: func(h *fakeHub, n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 0 {
				cut(w, r, h, 1000)
			}
			r.Header.Del("Range")
			return false
		}},
		"another range": {fault: func(h *fakeHub, n int, w http.ResponseWriter, r *http.Request) bool {
			if n == 0 {
				cut(w, r, h, 1000)
			}
			if n == 1 {
				r.Header.Set("Range", "bytes=500-")
			}
			return false
		}},
		"too long": {fault: func(_ *fakeHub, _ int, w http.ResponseWriter, _ *http.Request) bool {
			for range 1000 {
				_, _ = w.Write(make([]byte, 1000))
			}
			return true
		}, want: "more than the"},
		"too short": {fault: func(_ *fakeHub, _ int, w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write(nil); return true }, want: "the server sent 0 bytes of"},
		"other bytes once": {fault: func(h *fakeHub, n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 0 {
				return false
			}
			_, _ = w.Write(make([]byte, len(h.files[strings.TrimPrefix(r.URL.Path, "/")])))
			return true
		}, check: func(t *testing.T, h *fakeHub, _ []time.Duration) {
			require.True(t, strings.HasSuffix(h.requests[1], " "), "it begins anew")
		}},
		"other bytes": {fault: func(h *fakeHub, _ int, w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write(make([]byte, len(h.files[strings.TrimPrefix(r.URL.Path, "/")])))
			return true
		}, want: "the checksum of what was downloaded"},
		"busy": {fault: func(_ *fakeHub, n int, w http.ResponseWriter, _ *http.Request) bool {
			if n > 1 {
				return false
			}
			w.Header().Set("Retry-After", "17")
			w.WriteHeader([]int{429, 503}[n])
			return true
		}, check: func(t *testing.T, _ *fakeHub, pauses []time.Duration) {
			require.Equal(t, []time.Duration{17 * time.Second, 17 * time.Second}, pauses)
		}},
		"busy for a day": {fault: func(_ *fakeHub, _ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}, want: "answered 429"},
		"gone": {fault: func(_ *fakeHub, _ int, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusNotFound)
			return true
		}, want: "no such model, revision or file (404)"},
		"in circles": {fault: func(_ *fakeHub, _ int, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}, want: "more than 10 redirections"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.fault = func(n int, w http.ResponseWriter, r *http.Request) bool { return c.fault(h, n, w, r) }
			client, pauses := h.client(t, "")
			path, err := client.Pull(t.Context(), "org/model", "", "")
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "org/model: ")
				_, err := os.Stat(filepath.Join(client.Cache, "models--org--model", "refs"))
				require.ErrorIs(t, err, os.ErrNotExist, "a model that is not whole is not found")
			} else {
				require.NoError(t, err)
				h.requireModel(t, client, path, fp16...)
			}
			if c.check != nil {
				c.check(t, h, *pauses)
			}
		})
	}
}

// TestGoesOn: what an earlier run left is not downloaded again, unless it is wrong.
func TestGoesOn(t *testing.T) {
	for _, left := range []string{"", "wrong", "too much"} {
		h := newHub(t)
		c, _ := h.client(t, "")
		content := h.files["vae/diffusion_pytorch_model.safetensors"]
		part := map[string]string{"": content[:5000], "wrong": "x" + content[1:5000], "too much": content + "more"}[left]
		blobs := filepath.Join(c.Cache, "models--org--model", "blobs")
		require.NoError(t, os.MkdirAll(blobs, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(blobs, fmt.Sprintf("%x.incomplete", sha256.Sum256([]byte(content)))), []byte(part), 0o600))
		path, err := c.Pull(t.Context(), "org/model", "", "")
		require.NoError(t, err)
		h.requireModel(t, c, path, fp16...)
		if left == "" {
			require.Contains(t, h.requests, "/vae/diffusion_pytorch_model.safetensors bytes=5000-")
		}
	}
}

func TestAccounts(t *testing.T) {
	h := newHub(t)
	h.wants = "secret"
	for _, c := range [][3]string{
		{"org/model", "", "set HF_TOKEN"},
		{"org/model", "other", "does not accept the token (401)"},
	} {
		client, _ := h.client(t, c[1])
		_, err := client.Pull(t.Context(), c[0], "", "")
		require.ErrorContains(t, err, c[2])
		entries, err := os.ReadDir(client.Cache)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
	h.wants = ""
	client, _ := h.client(t, "")
	_, err := client.Pull(t.Context(), "org/gated", "", "")
	require.ErrorContains(t, err, "accept its conditions")
}

func TestWhatIsRefused(t *testing.T) {
	h := newHub(t)
	c, _ := h.client(t, "")
	for name, want := range map[string]string{"model": "names no model", "../x": "names no model", "org/..": "names no model"} {
		_, err := c.Pull(t.Context(), name, "", "")
		require.ErrorContains(t, err, want)
	}
	_, err := c.Pull(t.Context(), "org/model", "../main", "")
	require.ErrorContains(t, err, "no revision")
	_, err = c.Pull(t.Context(), "org/model/unet/none.safetensors", "", "")
	require.ErrorContains(t, err, "it has no file unet/none.safetensors")
	_, err = c.Pull(t.Context(), "org/model", "", "fp8")
	require.ErrorContains(t, err, `no part of it has weights of variant "fp8"`)
	h.files["../../evil"] = "x"
	_, err = c.Pull(t.Context(), "org/model", "", "")
	require.ErrorContains(t, err, `a file named "../../evil"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Pull(ctx, "org/model", "", "")
	require.ErrorIs(t, err, context.Canceled)
}

func TestChooseFiles(t *testing.T) {
	for _, c := range []struct {
		all, want []string
		err       string
	}{
		{all: []string{"README.md", "sd_xl_base_1.0.safetensors"}, want: []string{"sd_xl_base_1.0.safetensors"}},
		{all: []string{"a.gguf", "a.txt"}, want: []string{"a.gguf"}},
		{all: []string{"a-Q4_0.gguf", "a-Q8_0.gguf"}, err: "2 files of weights: ask for one of them as org/name/file: [a-Q4_0.gguf a-Q8_0.gguf]"},
		{all: []string{"README.md"}, err: "0 files of weights"},
		{all: []string{"config.json", "merges.txt", "model.safetensors", "pytorch_model.bin", "vocab.json"}, want: []string{"config.json", "merges.txt", "vocab.json", "model.safetensors"}},
		{all: []string{"model_index.json", "unet/config.json", "unet/diffusion_pytorch_model-00001-of-00002.safetensors", "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
			"unet/diffusion_pytorch_model.safetensors.index.json"}, err: "its text_encoder has no weights"},
	} {
		got, err := chooseFiles(c.all, "", "")
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	sharded := []string{"unet/diffusion_pytorch_model-00001-of-00002.safetensors", "unet/diffusion_pytorch_model-00002-of-00002.safetensors", "unet/diffusion_pytorch_model.safetensors.index.json"}
	half := []string{"unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors", "unet/diffusion_pytorch_model.fp16-00002-of-00002.safetensors", "unet/diffusion_pytorch_model.safetensors.index.fp16.json"}
	all := slices.Concat(sharded, half)
	require.Equal(t, sharded, named(all, "unet/diffusion_pytorch_model", ""))
	require.Equal(t, half, named(all, "unet/diffusion_pytorch_model", "fp16"))
}
