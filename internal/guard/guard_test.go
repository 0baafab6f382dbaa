package guard_test

import (
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/guard"
)

func TestBytesOutsideFault(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no guard pages on windows")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, n := range []int{1, 3, 4096, 5000} {
		front, back := guard.Bytes(t, n, guard.Front), guard.Bytes(t, n, guard.Back)
		require.Len(t, front, n)
		require.Len(t, back, n)
		front[n-1], back[0] = 1, 1
		require.Panics(t, func() { read(unsafe.Add(unsafe.Pointer(&front[0]), -1)) })
		require.Panics(t, func() { read(unsafe.Add(unsafe.Pointer(&back[n-1]), 1)) })
	}
}

//go:noinline
func read(p unsafe.Pointer) byte { return *(*byte)(p) }
