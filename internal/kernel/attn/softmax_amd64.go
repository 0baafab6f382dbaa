package attn

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

//go:noescape
func softmaxF32AVX2(t *scoreTile)

//go:noescape
func softmaxF32AVX512(t *scoreTile)

//go:noescape
func softmaxBF16AVX512(t *scoreTile)

//go:noescape
func divideF32AVX512(t *scoreTile, dst unsafe.Pointer, stride uintptr)

//go:noescape
func divideBF16AVX512(t *scoreTile, dst unsafe.Pointer, stride uintptr)

//go:noescape
func interleaveAVX512(dst unsafe.Pointer, src unsafe.Pointer, stride, lines uintptr)

var softmaxes = [...]softmax{
	cpu.Generic: genericSoftmax,
	cpu.AVX2:    {weigh: func(t scoreTile) { softmaxF32AVX2(&t) }, divide: divideGeneric},
	cpu.AVX512:  {weigh: func(t scoreTile) { softmaxF32AVX512(&t) }, divide: divideAVX512},
}

// bf16Softmax leaves weights in bfloat16, side by side from the start of a row.
var bf16Softmax = softmax{weigh: func(t scoreTile) { softmaxBF16AVX512(&t) }, divide: divideBF16}

func currentSoftmax(bf16 bool) softmax {
	if bf16 {
		return bf16Softmax
	}
	return softmaxes[cpu.Current()]
}

func divideAVX512(t scoreTile, dst Rows, row, column, d int) {
	if d%line != 0 || dst.Format != convert.F32 {
		divideGeneric(t, dst, row, column, d)
		return
	}
	divideF32AVX512(&t, dst.at(row, column), dst.strideBytes())
}

func divideBF16(t scoreTile, dst Rows, row, column, d int) {
	if d%line != 0 || dst.Format != convert.BF16 {
		divideAVX512(t, dst, row, column, d)
		return
	}
	divideBF16AVX512(&t, dst.at(row, column), dst.strideBytes())
}

// interleave packs lines of 32 values of two rows each, as pairs.
func interleave(dst, src unsafe.Pointer, stride, lines uintptr) {
	interleaveAVX512(dst, src, stride, lines)
}
