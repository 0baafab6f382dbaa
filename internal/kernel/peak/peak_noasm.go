//go:build !amd64 && !arm64

package peak

// Loops returns the loops for the instructions that kernels may use.
func Loops() []Loop { return []Loop{plain} }
