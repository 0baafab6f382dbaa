//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// refuseLargeFiles makes writes beyond a limit on the size of files (ulimit -f)
// fail with an error, which is handled, and not with a signal that ends the program.
func refuseLargeFiles() { signal.Ignore(syscall.SIGXFSZ) }
