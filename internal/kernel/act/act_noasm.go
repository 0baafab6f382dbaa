//go:build !amd64 && !arm64

package act

func current() *activations { return &generic }
