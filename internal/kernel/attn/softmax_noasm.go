//go:build !amd64 && !arm64

package attn

import "unsafe"

func currentSoftmax(bool) softmax { return genericSoftmax }

func interleave(dst, src unsafe.Pointer, stride, lines uintptr) {
	panic("attn: no kernel for bfloat16 on this architecture")
}
