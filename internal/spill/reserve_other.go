//go:build unix && !linux

package spill

import "os"

func reserve(f *os.File, size int64) error { return f.Truncate(size) }
