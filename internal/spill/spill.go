// Package spill gives work memory that lies in a temporary file: the system
// writes it out when memory is short, and it ends with the process.
package spill

import (
	"fmt"
	"os"
)

// Memory is zeroed memory in a file without a name.
type Memory struct{ Bytes []byte }

// Folder returns a folder that is on a disk in all likelihood: /var/tmp where it is,
// since /tmp is memory on many systems.
func Folder() string {
	const disk = "/var/tmp"
	if fi, err := os.Stat(disk); err == nil && fi.IsDir() {
		return disk
	}
	return os.TempDir()
}

// New makes size bytes in a folder, or fails if the disk has no room for them.
func New(folder string, size int) (*Memory, error) {
	f, err := os.CreateTemp(folder, ".easel-*")
	if err != nil {
		return nil, fmt.Errorf("a file for %d bytes of work memory: %w", size, err)
	}
	defer f.Close()
	defer os.Remove(f.Name())
	b, err := mapped(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %d bytes of work memory: %w", f.Name(), size, err)
	}
	return &Memory{b}, nil
}
