//go:build unix

package guard

import (
	"syscall"
	"testing"
)

// pages returns whole pages, at least n bytes, between two inaccessible ones.
func pages(t testing.TB, n int) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	size := max(1, (n+page-1)/page) * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("guard: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Errorf("guard: %v", err)
		}
	})
	inner := m[page : page+size : page+size]
	if err := syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatalf("guard: %v", err)
	}
	return inner
}
