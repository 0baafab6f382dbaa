//go:build !amd64 && !arm64

package vec

func current() *passes { return &generic }
