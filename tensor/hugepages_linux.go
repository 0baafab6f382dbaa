package tensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	hugePage      = 2 << 20
	leastAdvisory = 2 * hugePage // bytes from which asking is worth a system call
)

// adviseHugePages asks for large pages under fresh memory: kernels walk many
// rows at once, more than the processor keeps translations of small pages for.
// The system may ignore it.
func adviseHugePages(b []byte) {
	if len(b) < leastAdvisory {
		return
	}
	first := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (hugePage - 1)
	if n := (len(b) - first) &^ (hugePage - 1); n > 0 {
		_ = unix.Madvise(b[first:first+n], unix.MADV_HUGEPAGE)
	}
}
