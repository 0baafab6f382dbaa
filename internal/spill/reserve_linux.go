package spill

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve takes the room on the disk now: a write to a mapped file that finds
// no room later would be a fault.
func reserve(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return f.Truncate(size)
	}
	return err
}
