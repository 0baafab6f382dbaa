package main

import "fmt"

const rowsSignature = "(dst unsafe.Pointer, dstStride uintptr, src unsafe.Pointer, srcStride uintptr, rows, cols uintptr)"

// convertRows writes conversions between float32 and bfloat16 of the rows of a
// tile, which are strides of bytes apart.
func convertRows(f *file) {
	halves := func(do func(half int, mask string)) {
		for half := range 2 {
			do(half, fmt.Sprintf("K%d", half+1))
		}
	}
	eachRow(f, "narrowRowsAVX512", 128, 64,
		func() {
			f.op("VMOVUPS (R12), Z0")
			f.op("VMOVUPS 64(R12), Z1")
			narrowPair(f, "Z0", "Z1", "Z2")
			f.op("VMOVUPS Z2, (R11)")
		},
		func() {
			halves(func(half int, mask string) { f.op("VMOVUPS.Z %d(R12), %s, Z%d", 64*half, mask, half) })
			narrowPair(f, "Z0", "Z1", "Z2")
			f.op("VMOVDQU16 Z2, K1, (R11)")
		})
	eachRow(f, "widenRowsAVX512", 64, 128,
		func() {
			halves(func(half int, mask string) {
				f.op("VPMOVZXWD %d(R12), Z%d", 32*half, half)
				f.op("VPSLLD $16, Z%d, Z%d", half, half)
				f.op("VMOVUPS Z%d, %d(R11)", half, 64*half)
			})
		},
		func() {
			halves(func(half int, mask string) {
				f.op("VPMOVZXWD.Z %d(R12), %s, Z%d", 32*half, mask, half)
				f.op("VPSLLD $16, Z%d, Z%d", half, half)
				f.op("VMOVUPS Z%d, %s, %d(R11)", half, mask, 64*half)
			})
		})
}

// eachRow writes a loop over rows and, in each, over 32 values, which take so
// many bytes; part does what is left, for which K1 and K2 hold the masks.
func eachRow(f *file, name string, srcBytes, dstBytes int, whole, part func()) {
	f.text(name, rowsSignature, 48)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ dstStride+8(FP), R8")
	f.op("MOVQ src+16(FP), SI")
	f.op("MOVQ srcStride+24(FP), R9")
	f.op("MOVQ rows+32(FP), BX")
	f.op("MOVQ cols+40(FP), R10")
	f.op("MOVQ R10, CX")
	f.op("ANDQ $31, CX")
	f.op("MOVL $1, AX")
	f.op("SHLL CX, AX")
	f.op("DECL AX")
	f.op("KMOVD AX, K1")
	f.op("KSHIFTRD $16, K1, K2")
	f.label("row")
	f.op("MOVQ DI, R11")
	f.op("MOVQ SI, R12")
	f.op("MOVQ R10, CX")
	f.op("SUBQ $32, CX")
	f.op("JLT rest")
	f.label("whole")
	whole()
	f.op("ADDQ $%d, R12", srcBytes)
	f.op("ADDQ $%d, R11", dstBytes)
	f.op("SUBQ $32, CX")
	f.op("JGE whole")
	f.label("rest")
	f.op("ADDQ $32, CX")
	f.op("JEQ next")
	part()
	f.label("next")
	f.op("ADDQ R8, DI")
	f.op("ADDQ R9, SI")
	f.op("DECQ BX")
	f.op("JNE row")
	f.op("VZEROUPPER")
	f.op("RET")
}
