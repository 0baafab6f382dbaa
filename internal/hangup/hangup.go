// Package hangup tells whether the other end of a connection has closed it, also
// where data that came before have not been read.
package hangup

import (
	"crypto/tls"
	"net"
	"syscall"
)

// Gone reports whether the other end has closed the connection, or its half of
// it. It is false where the system does not tell.
func Gone(c net.Conn) bool {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	is := false
	err = raw.Control(func(fd uintptr) { is = gone(fd) })
	return err == nil && is
}
