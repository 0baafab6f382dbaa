package httplimit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwnHost(t *testing.T) {
	for host, own := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:8080": true, "::1": true, "192.168.1.7": true, "localhost": true, "localhost:1": true, "easel:8080": true,
		"gpu.local": true, "app.localhost:80": true, "x.svc.cluster.local": true, "a.internal.": true, "box.home.arpa": true, "draw.example.com:8080": true,
		"DRAW.example.com": true, "evil.com": false, "evil.com:8080": false, "127.0.0.1.evil.com": false, "local.evil.com": false, "evillocal.com": false,
		"notdraw.example.com": false, "draw.example.com.evil.com": false, "evil.com.": false,
	} {
		require.Equal(t, own, OwnHost(host, []string{"draw.example.com"}), host)
	}
}

func TestClientAddress(t *testing.T) {
	for remote, client := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64", "pipe": "pipe",
	} {
		require.Equal(t, client, Address(remote))
	}
}
