package main

// pairsAVX512 writes a function that interleaves two rows of bfloat16, 32
// values at a time: value i of both becomes the i-th pair of a line.
func pairsAVX512(f *file) {
	var low, high []uint32 // words of both rows, by pairs
	for i := range uint32(16) {
		low = append(low, i|(32+i)<<16)
		high = append(high, (16+i)|(48+i)<<16)
	}
	f.words("pairs", append(low, high...))
	f.text("interleaveAVX512", "(dst unsafe.Pointer, src unsafe.Pointer, stride, lines uintptr)", 32)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ stride+16(FP), DX")
	f.op("MOVQ lines+24(FP), CX")
	f.op("VMOVUPS pairs<>+0(SB), Z30")
	f.op("VMOVUPS pairs<>+64(SB), Z31")
	f.label("line")
	f.op("VMOVUPS (SI), Z0")
	f.op("VMOVUPS (SI)(DX*1), Z1")
	f.op("VMOVAPS Z0, Z2")
	f.op("VPERMT2W Z1, Z30, Z0")
	f.op("VPERMT2W Z1, Z31, Z2")
	f.op("VMOVUPS Z0, (DI)")
	f.op("VMOVUPS Z2, 64(DI)")
	f.op("LEAQ (SI)(DX*2), SI")
	f.op("ADDQ $128, DI")
	f.op("DECQ CX")
	f.op("JNE line")
	f.op("VZEROUPPER")
	f.op("RET")
}
