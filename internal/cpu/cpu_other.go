//go:build !amd64 && !arm64

package cpu

// Known lists the levels that kernels are written for on this architecture.
func Known() []Level { return []Level{Generic} }

func detect() Level { return Generic }

func detectBF16() bool { return false }
