package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strings"
)

// keys are the hashes of the API keys, so that all compare in the same time.
type keys [][sha256.Size]byte

func newKeys(plain []string) keys {
	var k keys
	for _, s := range plain {
		if s = strings.TrimSpace(s); s != "" {
			k = append(k, sha256.Sum256([]byte(s)))
		}
	}
	return k
}

// client names who asks: by the key, or by the address where no keys are set.
// It is not ok where a key is wanted and none of ours is shown.
func (k keys) client(r *http.Request) (name string, ok bool) {
	if len(k) == 0 {
		return clientAddress(r.RemoteAddr), true
	}
	sum := sha256.Sum256([]byte(shownKey(r)))
	for i := range k {
		ok = subtle.ConstantTimeCompare(k[i][:], sum[:]) == 1 || ok
	}
	return "key " + hex.EncodeToString(sum[:4]), ok
}

// shownKey reads the headers that carry keys: Authorization, with Bearer or
// bare, and X-API-Key.
func shownKey(r *http.Request) string {
	if key := r.Header.Get("X-API-Key"); key != "" {
		return key
	}
	auth := r.Header.Get("Authorization")
	if scheme, key, ok := strings.Cut(auth, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(key)
	}
	return auth
}

// clientAddress names the client of an address and port. Of IPv6 the first 64
// bits count, since one machine has all addresses that begin with them.
func clientAddress(remote string) string {
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
