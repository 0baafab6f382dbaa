//go:build !linux

package tensor

// adviseHugePages does nothing where the system can't be asked.
func adviseHugePages([]byte) {}
