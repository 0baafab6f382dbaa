//go:build linux

package hangup

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for _, sent := range []string{"", "data that nobody reads"} {
		client, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		server, err := l.Accept()
		require.NoError(t, err)
		defer server.Close()
		_, err = client.Write([]byte(sent))
		require.NoError(t, err)
		require.False(t, Gone(server))
		require.NoError(t, client.Close())
		require.Eventually(t, func() bool { return Gone(server) }, 10*time.Second, time.Millisecond)
	}
	a, b := net.Pipe()
	require.NoError(t, b.Close())
	require.False(t, Gone(a), "a pipe does not tell")
}
