//go:build !amd64

package dot

func current() *products { return &generic }
