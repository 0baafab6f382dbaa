//go:build !unix

package spill

import (
	"errors"
	"os"
)

// Supported says whether the system has such memory.
const Supported = false

func mapped(*os.File, int) ([]byte, error) {
	return nil, errors.New("work memory in files is not supported on this system")
}

// Close frees the memory.
func (m *Memory) Close() error { return nil }
