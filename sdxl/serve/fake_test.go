package serve

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/stretchr/testify/require"
)

// fake is a model whose pictures are made by a function.
type fake func(ctx context.Context, r *request.Request, po request.Options) error

func (f fake) Predict(ctx context.Context, r *request.Request, po request.Options) (*request.Response, error) {
	if err := f(ctx, r, po); err != nil {
		return nil, err
	}
	seed := int64(0)
	if r.Seed != nil {
		seed = *r.Seed
	}
	return &request.Response{Result: "success", Artifacts: []request.Artifact{{PNG: []byte("picture"), Seed: seed, FinishReason: "SUCCESS"}}}, nil
}

func (f fake) Embed(_ context.Context, texts []string) ([][]float32, int, error) {
	rows := make([][]float32, len(texts))
	for i := range rows {
		rows[i] = []float32{3, 4, 0, 0}
	}
	return rows, len(texts), nil
}

func (f fake) Dimensions() int { return 4 }

// instant makes each picture at once.
func instant(context.Context, *request.Request, request.Options) error { return nil }

// startFake serves a fake.
func startFake(t *testing.T, o Options, f fake) (*Server, string) {
	if o.Logger == nil {
		o.Logger = quiet()
	}
	s := newServer(o, f)
	return s, listen(t, s)
}

// dial connects to a server, from an address of its own where from is not "".
func dial(t *testing.T, url, from string) net.Conn {
	var d net.Dialer
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// post writes a request, all of it or but for the last bytes of its body.
func post(t *testing.T, c net.Conn, path, body, headers string, without int) {
	t.Helper()
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n%s\r\n%s", path, len(body), headers, body[:len(body)-without])
	require.NoError(t, err)
}

// receive reads an answer.
func receive(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	return answer
}

// eventually waits for what must come true. It waits long: a busy machine with the
// race detector may need a minute for what takes a second elsewhere.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 5*time.Minute, time.Millisecond)
}

// idle reports whether no job runs and none waits.
func (s *Server) idle() bool {
	waiting, running, _ := s.queue.Load()
	return waiting+running == 0
}
