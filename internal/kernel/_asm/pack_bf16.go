package main

import "fmt"

const pairSignature = "(dst, src unsafe.Pointer, pairs uintptr)"

// packPairs writes what makes panels of pairs of bfloat16.
func packPairs(f *file) {
	f.words("interleave", interleaved())
	f.text("pairLinesAVX512", pairSignature, 24)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ pairs+16(FP), CX")
	f.op("VMOVUPS interleave<>+0(SB), Z4")
	f.label("pair")
	for half := range 2 {
		f.op("VMOVUPS %d(SI), Z0", 64*half)
		f.op("VMOVUPS %d(SI), Z1", 128+64*half)
		narrowPair(f, "Z0", "Z1", "Z2")
		f.op("VPERMW Z2, Z4, Z2")
		f.op("VMOVUPS Z2, %d(DI)", 64*half)
	}
	f.op("ADDQ $256, SI")
	f.op("ADDQ $128, DI")
	f.op("DECQ CX")
	f.op("JNE pair")
	f.op("VZEROUPPER")
	f.op("RET")
	packRows(f, avx512, 16, packing{"Pairs", 2, loadPairs}, transpose16)
}

// interleaved is the order in which words c and 16+c become the two of lane c.
func interleaved() (words []uint32) {
	for c := range uint32(16) {
		words = append(words, c|(16+c)<<16)
	}
	return words
}

// loadPairs loads 32 values of row r as 16 pairs of bfloat16.
func loadPairs(f *file, format string, size int, address func(offset int) string, r int) {
	reg := fmt.Sprint("Z", r)
	if format == "BF16" {
		f.op("VMOVUPS %s, %s", address(0), reg)
		return
	}
	low, high := fmt.Sprint("Z", 16+2*r%16), fmt.Sprint("Z", 17+2*r%16)
	loadAsF32(f, format, address(0), low)
	loadAsF32(f, format, address(16*size), high)
	narrowPair(f, low, high, reg)
}
