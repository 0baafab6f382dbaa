//go:build !amd64

package attn

func currentSoftmax() softmax { return genericSoftmax }
