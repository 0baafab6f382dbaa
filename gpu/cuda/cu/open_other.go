//go:build !linux && !windows

package cu

import (
	"fmt"
	"runtime"
)

func open() (func(name string) (uintptr, error), error) {
	return nil, fmt.Errorf("NVIDIA has none for %s", runtime.GOOS)
}
