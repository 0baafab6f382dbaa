package cu

import (
	"runtime"
	"syscall"
	"unsafe"
)

// keepSignals sets the handlers of signals again that f replaces.
func keepSignals(f func()) {
	const signals = 64
	var before [signals + 1]action
	var known [signals + 1]bool
	for s := 1; s <= signals; s++ {
		known[s] = sigaction(s, nil, &before[s])
	}
	f()
	for s := 1; s <= signals; s++ {
		var after action
		if known[s] && sigaction(s, nil, &after) && after != before[s] {
			sigaction(s, &before[s], nil)
		}
	}
}

// action is the kernel's struct sigaction, of which no system has a longer one.
type action [8]uint64

// sigaction sets and gets the handler of a signal.
func sigaction(signal int, set, get *action) bool {
	_, _, err := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(get)), 8, 0, 0)
	runtime.KeepAlive(set)
	return err == 0
}
