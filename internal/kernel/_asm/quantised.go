package main

// quantisedAhead is how many bytes ahead numbers are fetched: what kernels take of
// a row at a time is too short for the processor to see that it goes on.
const quantisedAhead = 256

// quantised writes conversions to float32 of numbers with scales beside them.
func (in instructions) quantised(f *file) {
	lanes, r, half := in.width/4, in.reg, map[string]string{"Z": "Y", "Y": "X"}[in.reg]
	magnitudes := floatBits([]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6})
	for _, m := range magnitudes {
		magnitudes = append(magnitudes, m|1<<31)
	}
	f.words("e2m1", magnitudes)

	f.text("scaleI8"+in.name, "(dst *float32, src *int8, n int, scale float32)", 28)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ n+16(FP), CX")
	f.op("VBROADCASTSS scale+24(FP), %s3", r)
	f.label("loop")
	f.op("PREFETCHT0 %d(SI)", quantisedAhead)
	for i := range 16 / lanes {
		f.op("VPMOVSXBD %d(SI), %s0", i*lanes, r)
		f.op("VCVTDQ2PS %s0, %s0", r, r)
		f.op("VMULPS %s0, %s3, %s0", r, r, r)
		f.op("VMOVUPS %s0, %d(DI)", r, i*in.width)
	}
	f.op("ADDQ $16, SI")
	f.op("ADDQ $64, DI")
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	f.op("VZEROUPPER")
	f.op("RET")

	blocks := func(name string, bytes int, value func(i int)) {
		f.text(name+in.name, "(dst *float32, src, scales unsafe.Pointer, blocks int)", 32)
		f.op("MOVQ dst+0(FP), DI")
		f.op("MOVQ src+8(FP), SI")
		f.op("MOVQ scales+16(FP), R8")
		f.op("MOVQ blocks+24(FP), CX")
		f.op("VMOVUPS e2m1<>+0(SB), %s4", r)
		f.op("MOVL $0x80000000, AX")
		f.op("VMOVD AX, X5")
		f.op("VPBROADCASTD X5, %s5", r)
		f.label("loop")
		f.op("PREFETCHT0 %d(SI)", quantisedAhead)
		f.op("VPBROADCASTW (R8), %s3", half)
		f.op("VCVTPH2PS %s3, %s3", half, r)
		for i := range 32 / lanes {
			value(i)
			f.op("VMULPS %s0, %s3, %s0", r, r, r)
			f.op("VMOVUPS %s0, %d(DI)", r, i*in.width)
		}
		f.op("ADDQ $%d, SI", bytes)
		f.op("ADDQ $2, R8")
		f.op("ADDQ $128, DI")
		f.op("DECQ CX")
		f.op("JNE loop")
		f.op("VZEROUPPER")
		f.op("RET")
	}
	blocks("blocksI8", 32, func(i int) {
		f.op("VPMOVSXBD %d(SI), %s0", i*lanes, r)
		f.op("VCVTDQ2PS %s0, %s0", r, r)
	})
	blocks("blocksF4", 16, func(i int) {
		// A byte as a quadword, and again moved up by 28: the lower doubleword has
		// the first value in its lowest four bits, the upper one the second.
		f.op("VPMOVZXBQ %d(SI), %s0", i*lanes/2, r)
		f.op("VPSLLQ $28, %s0, %s1", r, r)
		if lanes == 16 {
			f.op("VPORQ %s1, %s0, %s0", r, r, r)
			f.op("VPERMPS %s4, %s0, %s0", r, r, r)
			return
		}
		f.op("VPOR %s1, %s0, %s0", r, r, r)
		f.op("VPSLLD $28, %s0, %s1", r, r)
		f.op("VPAND %s1, %s5, %s1", r, r, r) // the sign
		f.op("VPERMPS %s4, %s0, %s0", r, r, r)
		f.op("VPOR %s1, %s0, %s0", r, r, r)
	})
}
