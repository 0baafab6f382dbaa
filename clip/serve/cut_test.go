package serve

import (
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCutRequests: a connection that ends anywhere in a request takes nothing with
// it, and neither does one whose client sends more than was asked for.
func TestCutRequests(t *testing.T) {
	h := handler(t, Options{})
	s := httptest.NewUnstartedServer(nil)
	s.Config = h.HTTPServer()
	s.Start()
	defer s.Close()
	const form = "--B\r\nContent-Disposition: form-data; name=\"entries\"\r\n\r\n{\"clip\":{\"textual\":{\"modelName\":\"x\"}}}\r\n--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\r\n--B--\r\n"
	for path, body := range map[string][2]string{"/v1/embeddings": {"application/json", `{"input":["a","b"]}`}, "/predict": {"multipart/form-data; boundary=B", form}} {
		whole := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, body[0], len(body[1]), body[1])
		send := func(text string) {
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			require.NoError(t, err)
			_, err = conn.Write([]byte(text))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		}
		for n := 0; n <= len(whole); n += 1 + len(whole)/40 {
			send(whole[:n])
		}
		send(whole + whole + whole[:len(whole)/2]) // one after the other, and the last cut
		send(whole + "\x00\xff\r\n\r\n")
		require.Eventually(t, func() bool {
			_, pictures, _ := h.pictures.Load()
			_, reading, _ := h.reading.Load()
			return pictures+reading == 0 && h.requests.Free() == int64(h.Requests) && h.bodies.Free() == h.Bodies
		}, time.Minute, time.Millisecond, path)
		require.Equal(t, 200, ask(t, h, path, body[0], body[1], nil).Code, path)
	}
}
