package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl/request"
)

// buffer is a log that is read while it is written.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

// startServe runs easel serve until the returned function is called, as SIGTERM does.
func startServe(t *testing.T, args ...string) (url string, log *buffer, stop func() error) {
	return startServer(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
}

// startServer runs a command that serves.
func startServer(t *testing.T, args ...string) (url string, log *buffer, stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	log = new(buffer)
	root := newRoot()
	root.SetErr(log)
	root.SetArgs(args)
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	address := regexp.MustCompile(`url=(http://\S+)`)
	require.Eventually(t, func() bool {
		m := address.FindStringSubmatch(log.text())
		if m != nil {
			url = m[1]
		}
		return m != nil
	}, 30*time.Second, time.Millisecond, "serve did not start")
	return url, log, func() error { cancel(); return <-ended }
}

func post(url, body string) (status int, data []byte, err error) {
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	data, err = io.ReadAll(answer.Body)
	return answer.StatusCode, data, err
}

// TestServeGivesWhatTxt2ImgGives holds the same bytes for a request over HTTP
// and the equal command.
func TestServeGivesWhatTxt2ImgGives(t *testing.T) {
	url, _, stop := startServe(t)
	status, data, err := post(url+"/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image",
		`{"cfg_scale":7,"height":128,"width":128,"steps":8,"seed":42,"sampler":"K_DPMPP_2M","style_preset":"photographic",
			"text_prompts":[{"text":"a red circle","weight":1},{"text":"a star","weight":0.7},{"text":"blurry","weight":-1}]}`)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.NoError(t, stop())
	var response request.Response
	require.NoError(t, json.Unmarshal(data, &response))
	file := filepath.Join(t.TempDir(), "x.png")
	ok(t, "", "txt2img", "--weighted", "a red circle:1", "--weighted", "a star:0.7", "--weighted", "blurry:-1", "--style", "photographic", "--steps", "8", "--seed", "42",
		"--cfg", "7", "--sampler", "dpmpp_2m", "-o", file)
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, response.Artifacts[0].PNG))
}

// TestServeDrains stops a server in the middle of its work: every request that
// it accepted is answered.
func TestServeDrains(t *testing.T) {
	url, log, stop := startServe(t)
	answers := make(chan int)
	const requests = 5
	for range requests {
		go func() {
			status, _, _ := post(url+"/predict", `{"text_prompts":[{"text":"a star"}],"steps":20}`)
			answers <- status
		}()
	}
	require.Eventually(t, func() bool {
		answer, err := http.Get(url + "/metrics")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		data, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(data), "easel_queue_waiting 4")
	}, 30*time.Second, time.Millisecond)
	ended := make(chan error)
	go func() { ended <- stop() }()
	for range requests {
		require.Equal(t, 200, <-answers)
	}
	require.NoError(t, <-ended)
	require.Contains(t, log.text(), "draining")
	_, _, err := post(url+"/predict", "{}")
	require.Error(t, err, "nothing listens any more")
}

// TestServeGraceEnds cancels what takes too long.
func TestServeGraceEnds(t *testing.T) {
	url, log, stop := startServe(t, "--grace", "1ms", "--max-pixels", "67108864")
	failed := make(chan error)
	go func() {
		_, _, err := post(url+"/predict", `{"text_prompts":[{"text":"a star"}],"steps":150,"width":1024,"height":1024}`)
		failed <- err
	}()
	require.Eventually(t, func() bool {
		answer, err := http.Get(url + "/metrics")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		data, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(data), "easel_jobs_running 1")
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, stop())
	require.Error(t, <-failed)
	require.Contains(t, log.text(), "within the grace time")
}

func TestServeFaults(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(empty, []byte("\n \n"), 0o600))
	for want, args := range map[string][]string{
		"--queue is 0, want 1 or more":      {"--queue", "0"},
		"--queue-all is 0, want 1 or more":  {"--queue-all", "0"},
		"--workers is -1, want 1 or more":   {"--workers", "-1", "--queue", "0"}, // the first in order
		"--max-body is 0":                   {"--max-body", "0"},
		"--max-pixels is 0":                 {"--max-pixels", "0"},
		"--max-steps is 0":                  {"--max-steps", "0"},
		"--max-samples is 0":                {"--max-samples", "0"},
		"--max-calls is -1":                 {"--max-calls", "-1"},
		"--max-previews is 0":               {"--max-previews", "0"},
		"--connections is 0":                {"--connections", "0"},
		"--connections-per-client is 0":     {"--connections-per-client", "0"},
		"--read-timeout is 0s, want more":   {"--read-timeout", "0"},
		"--write-timeout is -1s, want more": {"--write-timeout", "-1s"},
		"--grace is -1s, want 0 or more":    {"--grace", "-1s"},
		"--cors-origin example.com: want a": {"--cors-origin", "example.com"},
		"--metrics-listen 127.0.0.1:x":      {"--metrics-listen", "127.0.0.1:x"},
		"--memory is 1.0 MiB, want ":        {"--memory", "1MiB"},
		"--listen 127.0.0.1:x":              {"--listen", "127.0.0.1:x"},
		"no keys in it":                     {"--api-keys", empty},
		"no/such":                           {"-m", "no/such"},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"serve"}, args...)...)
		require.ErrorContains(t, err, want)
	}
}

func TestServeKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("one\n two \n"), 0o600))
	keys, err := readKeys(file)
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two"}, keys)
	t.Setenv(apiKeyVariable, " three\n")
	keys, err = readKeys("")
	require.NoError(t, err)
	require.Equal(t, []string{"three"}, keys)
}

// TestServeMemory: what the error names as the least is enough, and less is not.
func TestServeMemory(t *testing.T) {
	_, _, err := run(t, t.Context(), "", "serve", "--memory", "8MiB")
	require.Error(t, err)
	m := regexp.MustCompile(`want (\d+)MiB at least`).FindStringSubmatch(err.Error())
	require.NotNil(t, m, err.Error())
	least, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	_, _, err = run(t, t.Context(), "", "serve", "--memory", fmt.Sprintf("%dMiB", least-1))
	require.ErrorContains(t, err, m[0])
	url, _, stop := startServe(t, "--memory", fmt.Sprintf("%dMiB", least))
	status, data, err := post(url+"/predict", `{"text_prompts":[{"text":"a star"}],"steps":1}`)
	require.NoError(t, err)
	require.Equal(t, 200, status, string(data))
	require.NoError(t, stop())
}

// TestServeMetricsElsewhere: on an address of their own they need no key, and
// are nowhere else.
func TestServeMetricsElsewhere(t *testing.T) {
	t.Setenv(apiKeyVariable, "one")
	url, log, stop := startServe(t, "--metrics-listen", "127.0.0.1:0")
	metrics := regexp.MustCompile(`http://\S+/metrics`).FindString(log.text())
	for where, want := range map[string]int{metrics: 200, url + "/metrics": 404} {
		answer, err := http.Get(where)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, want, answer.StatusCode, where)
	}
	require.NoError(t, stop())
}

// TestServeDoors: the flags for names and sites reach the server.
func TestServeDoors(t *testing.T) {
	url, _, stop := startServe(t, "--host", "draw.example.com", "--cors-origin", "https://friend.example")
	for _, c := range []struct {
		host, origin string
		want         int
	}{{"draw.example.com", "", 200}, {"evil.com", "", 403}, {"draw.example.com", "https://friend.example", 200}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/models", nil)
		require.NoError(t, err)
		r.Host = c.host
		r.Header.Set("Origin", c.origin)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, c.want, answer.StatusCode, c)
		require.Equal(t, c.origin, answer.Header.Get("Access-Control-Allow-Origin"))
	}
	require.NoError(t, stop())
}
