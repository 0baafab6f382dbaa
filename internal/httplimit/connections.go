package httplimit

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/df65613c/easel/internal/hangup"
)

// What a connection may take before it asks for something.
const (
	HeaderTimeout = 10 * time.Second
	IdleTimeout   = 2 * time.Minute
	MaxHeader     = 64 << 10
)

type contextKey struct{}

// NewServer returns a server that bounds the time and size of headers, and the
// number of connections, in all and of a client. HangUp works in its requests.
func NewServer(h http.Handler, most, each int) *http.Server {
	c := &connections{most: most, each: each, all: make(map[net.Conn]*connection), clients: make(map[string]int)}
	return &http.Server{
		Handler: h, ReadHeaderTimeout: HeaderTimeout, IdleTimeout: IdleTimeout, MaxHeaderBytes: MaxHeader,
		ConnState: c.state,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, contextKey{}, conn)
		},
	}
}

// connections bounds how many there are, in all and of each client. A new one
// takes the place of the one that has been idle longest, whose client sends no
// request; where all are in use it is closed itself.
type connections struct {
	mu         sync.Mutex
	most, each int
	all        map[net.Conn]*connection
	clients    map[string]int
	idle       list.List // of *connection, the longest idle first
}

type connection struct {
	net.Conn
	client string
	place  *list.Element // in idle, or nil while a request is at hand
}

// state is an http.Server's ConnState.
func (c *connections) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.all[conn]
	switch {
	case state == http.StateNew:
		c.add(&connection{Conn: conn, client: Address(conn.RemoteAddr().String())})
	case known == nil: // closed here
	case state == http.StateActive:
		c.idle.Remove(known.place)
		known.place = nil
	case state == http.StateIdle:
		known.place = c.idle.PushBack(known)
	default: // closed, or another protocol's
		c.remove(known)
	}
}

func (c *connections) add(n *connection) {
	ok := true
	if c.clients[n.client] >= c.each {
		ok = c.evict(func(old *connection) bool { return old.client == n.client })
	}
	if ok && len(c.all) >= c.most {
		ok = c.evict(func(*connection) bool { return true })
	}
	if !ok {
		n.Close()
		return
	}
	n.place = c.idle.PushBack(n)
	c.all[n.Conn] = n
	c.clients[n.client]++
}

// evict closes the longest idle connection of those that may go.
func (c *connections) evict(may func(*connection) bool) bool {
	for e := c.idle.Front(); e != nil; e = e.Next() {
		if old := e.Value.(*connection); may(old) {
			c.remove(old)
			old.Close()
			return true
		}
	}
	return false
}

func (c *connections) remove(old *connection) {
	if old.place != nil {
		c.idle.Remove(old.place)
	}
	delete(c.all, old.Conn)
	if c.clients[old.client]--; c.clients[old.client] == 0 {
		delete(c.clients, old.client)
	}
}

// HangUp returns a context that ends when the client has closed its connection,
// which is looked at every so often. net/http notices too, but not where the
// client has sent more than its request.
func HangUp(ctx context.Context, every time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	conn, ok := ctx.Value(contextKey{}).(net.Conn)
	if !ok {
		return ctx, cancel
	}
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if hangup.Gone(conn) {
					cancel()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}

// Address names the client of an address and port. For IPv6 only the first 64
// bits count, since one machine has all addresses that begin with them.
func Address(remote string) string {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	addr := a.Addr().Unmap()
	if addr.Is6() {
		const network = 64
		return netip.PrefixFrom(addr, network).Masked().String()
	}
	return addr.String()
}
