//go:build !amd64

package vec

func current() *passes { return &generic }
