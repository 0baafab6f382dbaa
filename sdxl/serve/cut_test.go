package serve

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCutRequests: a connection that ends anywhere in a request takes nothing with
// it, and neither does one whose client sends more than was asked for.
func TestCutRequests(t *testing.T) {
	s, url := startFake(t, Options{}, instant)
	whole := s.bodies.Free()
	address := strings.TrimPrefix(url, "http://")
	const form = "--B\r\nContent-Disposition: form-data; name=\"text_prompts[0][text]\"\r\n\r\na\r\n--B--\r\n"
	for _, c := range []struct{ path, accept, kind, body string }{
		{"/predict", "application/json", "application/json", seeded(1)},
		{"/predict?preview=2", "text/event-stream", "application/json", seeded(1)},
		{"/invocations", "image/png", "multipart/form-data; boundary=B", form},
		{"/v1/generation/" + DefaultEngine + "/text-to-image", "*/*", "application/json", seeded(1)},
		{"/v1/embeddings", "*/*", "application/json", `{"input":["a"]}`},
	} {
		text := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", c.path, c.accept, c.kind, len(c.body), c.body)
		send := func(text string) {
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			_, err = conn.Write([]byte(text))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		}
		for n := 0; n <= len(text); n += 1 + len(text)/40 {
			send(text[:n])
		}
		send(text + text + text[:len(text)/2]) // one after the other, and the last cut
		send(text + "\x00\xff\r\n\r\n")
		eventually(t, func() bool { return s.idle() && s.bodies.Free() == whole })
		answer, data := call(t, url+c.path, []byte(c.body), "Accept", c.accept, "Content-Type", c.kind)
		require.Equal(t, 200, answer.StatusCode, "%s: %.200s", c.path, data)
	}
	require.Zero(t, s.metrics.panics.Get())
}
