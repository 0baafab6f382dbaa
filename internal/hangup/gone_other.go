//go:build !linux

package hangup

// Other systems tell it only to who reads all that came before.
func gone(uintptr) bool { return false }
