package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/df65613c/easel/internal/httplimit"
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
		return httplimit.Address(r.RemoteAddr), true
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
