//go:build !linux

package cu

// keepSignals calls f: only on Linux does the library replace handlers of Go's.
func keepSignals(f func()) { f() }
