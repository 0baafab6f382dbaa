package httplimit

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// conn is a connection from an address that remembers if it was closed.
type conn struct {
	net.Conn
	from   string
	closed bool
}

func (c *conn) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", c.from+":1")
	if err != nil {
		panic(err) // a test's address
	}
	return a
}

func (c *conn) Close() error {
	c.closed = true
	return nil
}

// TestBoundsOfServer: those that the documentation names.
func TestBoundsOfServer(t *testing.T) {
	s := NewServer(http.NotFoundHandler(), 1, 1)
	require.Equal(t, []any{10 * time.Second, 2 * time.Minute, 64 << 10}, []any{s.ReadHeaderTimeout, s.IdleTimeout, s.MaxHeaderBytes})
	require.Zero(t, s.ReadTimeout, "a body has a time of its own")
	require.Zero(t, s.WriteTimeout, "and each piece of an answer")
}

// TestConnections: as many as there may be of a client and in all stay; of one more the longest
// idle that may go is closed, or itself where none is idle.
func TestConnections(t *testing.T) {
	s := NewServer(http.NotFoundHandler(), 3, 2)
	open := func(from string) *conn {
		c := &conn{from: from}
		s.ConnState(c, http.StateNew)
		return c
	}
	a1, a2 := open("127.0.0.1"), open("127.0.0.1")
	b1 := open("127.0.0.2")
	require.Equal(t, []bool{false, false, false}, []bool{a1.closed, a2.closed, b1.closed})
	s.ConnState(a1, http.StateActive)
	a3 := open("127.0.0.1")
	require.Equal(t, []bool{false, true, false, false}, []bool{a1.closed, a2.closed, b1.closed, a3.closed}, "of its own client, though b1 is idle too")
	s.ConnState(a2, http.StateClosed) // which is told after it was closed here
	s.ConnState(a1, http.StateIdle)
	c1 := open("127.0.0.3")
	require.Equal(t, []bool{false, true, false, false}, []bool{a1.closed, b1.closed, a3.closed, c1.closed}, "the longest idle of all")
	for _, c := range []*conn{a1, a3, c1} {
		s.ConnState(c, http.StateActive)
	}
	d1 := open("127.0.0.4")
	require.True(t, d1.closed, "all are in use")
	require.True(t, open("127.0.0.1").closed)
	s.ConnState(d1, http.StateActive) // of one that was never let in
	s.ConnState(a1, http.StateClosed)
	s.ConnState(c1, http.StateHijacked)
	require.False(t, open("127.0.0.1").closed)
	require.False(t, open("127.0.0.4").closed)
	require.False(t, a3.closed)
}

// TestAddressesAreForgotten: nothing is kept of clients that have gone.
func TestAddressesAreForgotten(t *testing.T) {
	c := &connections{most: 10, each: 2, all: make(map[net.Conn]*connection), clients: make(map[string]int)}
	for i := range 100 {
		n := &conn{from: fmt.Sprintf("127.0.0.%d", i%5)}
		c.state(n, http.StateNew)
		require.Equal(t, 1, c.idle.Len())
		c.state(n, http.StateActive)
		require.Zero(t, c.idle.Len())
		if i%2 == 0 {
			c.state(n, http.StateIdle)
		}
		c.state(n, http.StateClosed)
		require.Empty(t, c.all)
		require.Empty(t, c.clients)
		require.Zero(t, c.idle.Len())
	}
}

// TestHangUp: the context ends with the connection, or with its caller's.
func TestHangUp(t *testing.T) {
	ctx, cancel := HangUp(t.Context(), time.Millisecond)
	require.NoError(t, ctx.Err(), "without a connection")
	cancel()
	require.ErrorIs(t, ctx.Err(), context.Canceled)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	ctx, cancel = HangUp(context.WithValue(t.Context(), contextKey{}, server), time.Millisecond)
	defer cancel()
	select {
	case <-ctx.Done():
		t.Error("the client is still there")
	case <-time.After(20 * time.Millisecond):
	}
	require.NoError(t, client.Close())
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
		t.Error("it was not noticed")
	}
}
