//go:build unix

package spill

import (
	"os"

	"golang.org/x/sys/unix"
)

// Supported says whether the system has such memory.
const Supported = true

func mapped(f *os.File, size int) ([]byte, error) {
	if err := reserve(f, int64(size)); err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// Close frees the memory and the room on the disk.
func (m *Memory) Close() error {
	b := m.Bytes
	m.Bytes = nil
	return unix.Munmap(b)
}
