package attn

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
)

//go:noescape
func softmaxNEON(t *scoreTile)

var neonSoftmax = softmax{weigh: func(t scoreTile) { softmaxNEON(&t) }, divide: divideGeneric}

func currentSoftmax(bool) softmax {
	if cpu.Current() == cpu.NEON {
		return neonSoftmax
	}
	return genericSoftmax
}

func interleave(dst, src unsafe.Pointer, stride, lines uintptr) {
	panic("attn: no kernel for bfloat16 on this architecture")
}
