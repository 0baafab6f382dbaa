//go:build !unix

package guard

import (
	"bytes"
	"testing"
)

const canary = 0xa5

// pages returns n bytes between canaries, as there are no guard pages here:
// only stray writes are found, and only when the test ends.
func pages(t testing.TB, n int) []byte {
	t.Helper()
	const margin = 4096
	m := bytes.Repeat([]byte{canary}, n+2*margin)
	inner := m[margin : margin+n : margin+n]
	clear(inner)
	t.Cleanup(func() {
		for _, side := range [][]byte{m[:margin], m[margin+n:]} {
			if len(bytes.Trim(side, string([]byte{canary}))) > 0 {
				t.Error("guard: write outside of a buffer")
			}
		}
	})
	return inner
}
