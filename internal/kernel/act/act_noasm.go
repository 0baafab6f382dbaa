//go:build !amd64

package act

func current() *activations { return &generic }
