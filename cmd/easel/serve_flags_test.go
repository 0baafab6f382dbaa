package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// serveFlagTests says which test looks after a flag of easel serve; where the model comes from and
// where it runs is as for txt2img.
var serveFlagTests = map[string][]string{
	"TestServeLimits":                {"max-steps", "max-pixels", "max-samples", "max-calls", "max-previews", "max-body", "max-picture-memory", "engine", "styles", "debug", "read-timeout"},
	"TestServeQueues":                {"workers", "queue", "queue-all"},
	"TestServeConnections":           {"connections", "connections-per-client", "write-timeout"},
	"TestServeWithKeys":              {"api-keys"},
	"TestServeDoors":                 {"host", "cors-origin"},
	"TestServeMetricsElsewhere":      {"metrics-listen"},
	"TestServeMemory":                {"memory"},
	"TestServeGraceEnds":             {"grace", "listen"},
	"those of txt2img and of models": append(slices.Clone(otherFlags), "embedding-dir"),
}

// clipServeFlagTests is the same for easel clip serve.
var clipServeFlagTests = map[string][]string{
	"TestClipServeLimits":      {"max-body", "bodies", "requests", "read-timeout", "host", "name", "listen"},
	"TestClipServeConnections": {"connections", "connections-per-client", "write-timeout"},
	"TestClipServeKeys":        {"api-keys"},
	"TestClipServeGrace":       {"grace"},
	"those of models":          {"model", "image-model", "activation", "allow-unused", "help", "threads", "dtype", "device"},
}

// TestEveryFlagOfServers: each has a test of its effect.
func TestEveryFlagOfServers(t *testing.T) {
	for tests, flags := range map[*map[string][]string]*pflag.FlagSet{&serveFlagTests: newServe().Flags(), &clipServeFlagTests: newClipServe().Flags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			for _, names := range *tests {
				if slices.Contains(names, f.Name) {
					return
				}
			}
			t.Errorf("no test looks after --%s", f.Name)
		})
	}
}

// asked returns the status of a request for a picture with more fields, and the answer.
func asked(t *testing.T, url, more string, headers ...string) (int, string) {
	t.Helper()
	return sent(t, http.MethodPost, url, `{"text_prompts":[{"text":"a star"}],"width":64,"height":64,"seed":1`+more+`}`, headers...)
}

func sent(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(data)
}

// TestServeLimits: each limit of a request holds at its value and one past it.
func TestServeLimits(t *testing.T) {
	styles := filepath.Join(t.TempDir(), "styles.json")
	require.NoError(t, os.WriteFile(styles, []byte(`{"mine":{"prompt":"{prompt}!"}}`), 0o600))
	url, log, stop := startServe(t, "--max-steps", "3", "--max-pixels", "4096", "--max-samples", "2", "--max-calls", "4", "--max-previews", "1", "--max-body", "2000",
		"--max-picture-memory", "1KiB", "--engine", "one,two", "--styles", styles, "--debug", "--read-timeout", "3s")
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 64))))
	events := []string{"Accept", "text/event-stream"}
	for _, c := range []struct {
		path, more, field string
		headers           []string
	}{
		{"/predict", `,"steps":3,"cfg_scale":1`, "", nil}, {"/predict", `,"steps":4,"cfg_scale":1`, "steps", nil},
		{"/predict", `,"steps":1,"width":128`, "width", nil},
		{"/predict", `,"steps":1,"samples":2`, "", nil}, {"/predict", `,"steps":1,"samples":3`, "samples", nil},
		{"/predict", `,"steps":2,"cfg_scale":7`, "", nil}, {"/predict", `,"steps":3,"cfg_scale":7`, "steps", nil}, // two calls a step
		{"/predict?preview=1", `,"steps":2,"cfg_scale":1`, "", events}, {"/predict?preview=1", `,"steps":3,"cfg_scale":1`, "preview", events},
		{"/predict", `,"steps":1,"init_image":"` + base64.StdEncoding.EncodeToString(picture.Bytes()) + `"`, "init_image", nil},
		{"/v1/generation/two/text-to-image", `,"steps":1`, "", nil},
		{"/predict", `,"steps":1,"style_preset":"mine"`, "", nil}, {"/predict", `,"steps":1,"style_preset":"anime"`, "style_preset", nil},
	} {
		status, data := asked(t, url+c.path, c.more, c.headers...)
		if c.field == "" {
			require.Equal(t, 200, status, "%s: %s", c.more, data)
		} else {
			require.Equal(t, 400, status, "%s: %.200s", c.more, data)
			require.Contains(t, data, `"field":"`+c.field+`"`)
		}
	}
	status, _ := asked(t, url+"/v1/generation/three/text-to-image", "")
	require.Equal(t, 404, status)
	const body = `{"text_prompts":[{"text":"a star"}],"width":64,"height":64,"steps":1}`
	status, _ = sent(t, http.MethodPost, url+"/predict", body+strings.Repeat(" ", 2000-len(body)))
	require.Equal(t, 200, status)
	status, _ = sent(t, http.MethodPost, url+"/predict", body+strings.Repeat(" ", 2001-len(body)))
	require.Equal(t, 413, status)
	require.Equal(t, 408, unfinished(t, url, "/predict", 100, ""))
	status, _ = sent(t, http.MethodGet, url+"/ping", "")
	require.Equal(t, 200, status)
	require.NoError(t, stop())
	require.Contains(t, log.text(), "path=/ping", "--debug")
}

// unfinished sends some of a body and returns the status of the answer.
func unfinished(t *testing.T, url, path string, length int, some string) int {
	conn := upload(t, url, path, length, some)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	answer.Body.Close()
	return answer.StatusCode
}

// upload begins to send a body.
func upload(t *testing.T, url, path string, length int, some string) net.Conn {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", path, length, some)
	require.NoError(t, err)
	return conn
}

// TestServeQueues: as many run and wait as may, and of one more it is told.
func TestServeQueues(t *testing.T) {
	for _, c := range []struct {
		args             []string
		running, waiting int
	}{
		{[]string{"--queue", "1"}, 1, 1}, {[]string{"--queue-all", "2"}, 1, 2}, {[]string{"--workers", "2", "--queue", "1"}, 2, 1},
	} {
		url, _, stop := startServe(t, append(c.args, "--grace", "0")...)
		ctx, leave := context.WithCancel(t.Context())
		for range c.running + c.waiting {
			go func() {
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/predict", strings.NewReader(`{"text_prompts":[{"text":"a star"}],"steps":150,"width":512,"height":512}`))
				if err != nil {
					t.Error(err)
					return
				}
				if answer, err := http.DefaultClient.Do(r); err == nil { // else it has left
					answer.Body.Close()
				}
			}()
		}
		want := []string{fmt.Sprintf("easel_jobs_running %d\n", c.running), fmt.Sprintf("easel_queue_waiting %d\n", c.waiting)}
		require.Eventually(t, func() bool {
			answer, err := http.Get(url + "/metrics")
			if err != nil {
				return false
			}
			defer answer.Body.Close()
			data, err := io.ReadAll(answer.Body)
			return err == nil && strings.Contains(string(data), want[0]) && strings.Contains(string(data), want[1])
		}, time.Minute, time.Millisecond, "%v", c.args)
		status, _ := asked(t, url+"/predict", "")
		require.Equal(t, 429, status, "%v", c.args)
		leave()
		_ = stop() // what was cancelled may take a moment
	}
}

// serversOf start what has connections.
var serversOf = map[string][]string{"serve": {"serve", "--listen", "127.0.0.1:0"}, "clip serve": {"clip", "serve", "--listen", "127.0.0.1:0"}}

// connections tries the flags of connections of a server.
func connections(t *testing.T, page string, args ...string) {
	for _, flag := range []string{"--connections", "--connections-per-client"} {
		url, _, stop := startServer(t, append(slices.Clone(args), flag, "1")...)
		begun := time.Now()
		first := upload(t, url, "/ping", 0, "") // answered, and then idle
		require.NoError(t, first.SetReadDeadline(time.Now().Add(time.Minute)))
		answers := bufio.NewReader(first)
		answer, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(t, err)
		// The server notes only after its answer that the connection is idle: until then the new one is closed.
		for err = os.ErrDeadlineExceeded; errors.Is(err, os.ErrDeadlineExceeded); {
			second, failed := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			require.NoError(t, failed)
			require.NoError(t, first.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			_, err = answers.ReadByte()
			require.NoError(t, second.Close())
			require.Less(t, time.Since(begun), 2*time.Minute, flag)
		}
		require.ErrorIs(t, err, io.EOF, flag)
		require.NoError(t, stop())
	}
	url, _, stop := startServer(t, append(slices.Clone(args), "--write-timeout", "50ms", "--grace", "0")...)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	request := "GET " + page + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	require.NoError(t, conn.SetWriteDeadline(time.Now().Add(5*time.Minute)))
	for err == nil { // until the server no longer reads, and then has closed it
		_, err = io.WriteString(conn, strings.Repeat(request, 100))
	}
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, conn.Close())
	_ = stop()
}

func TestServeConnections(t *testing.T) { connections(t, "/openapi.json", serversOf["serve"]...) }

// TestServeWithKeys: those of the file are asked for.
func TestServeWithKeys(t *testing.T) { keys(t, "/v1/models", serversOf["serve"]...) }

// keys tries the flag for keys of a server.
func keys(t *testing.T, path string, args ...string) {
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("one\n\n two\n"), 0o600))
	url, _, stop := startServer(t, append(slices.Clone(args), "--api-keys", file)...)
	for key, want := range map[string]int{"": 401, "Bearer three": 401, "Bearer one": 200, "Bearer two": 200} {
		status, _ := sent(t, http.MethodGet, url+path, "", "Authorization", key)
		require.Equal(t, want, status, key)
	}
	require.NoError(t, stop())
}
