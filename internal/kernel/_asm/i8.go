package main

// quantise writes what 8-bit products need beside their micro-kernel.
func quantise(f *file) {
	f.text("quadLinesAVX512", "(dst, src, inverse, sums unsafe.Pointer, quads uintptr)", 40)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ inverse+16(FP), R8")
	f.op("MOVQ sums+24(FP), R9")
	f.op("MOVQ quads+32(FP), CX")
	f.op("MOVL $0xff, AX")
	f.op("VPBROADCASTD AX, Z14")
	for half := range 2 {
		f.op("VMOVUPS %d(R8), Z%d", 64*half, 10+half)
		f.op("VMOVDQU32 %d(R9), Z%d", 64*half, 12+half)
	}
	f.label("quad")
	for half := range 2 {
		for i := range 4 {
			f.op("VMULPS %d(SI), Z%d, Z%d", 128*i+64*half, 10+half, i)
			f.op("VCVTPS2DQ Z%d, Z%d", i, i)
			f.op("VPADDD Z%d, Z%d, Z%d", i, 12+half, 12+half)
			if i < 3 {
				f.op("VPANDD Z14, Z%d, Z%d", i, i)
			}
			if i > 0 {
				f.op("VPSLLD $%d, Z%d, Z%d", 8*i, i, i)
				f.op("VPORD Z%d, Z0, Z0", i)
			}
		}
		f.op("VMOVDQU32 Z0, %d(DI)", 64*half)
	}
	f.op("ADDQ $512, SI")
	f.op("ADDQ $128, DI")
	f.op("DECQ CX")
	f.op("JNE quad")
	for half := range 2 {
		f.op("VMOVDQU32 Z%d, %d(R9)", 12+half, 64*half)
	}
	f.op("VZEROUPPER")
	f.op("RET")

	f.text("absMaxAVX512", "(src *float32, n int) (bits uint32)", 20)
	f.op("MOVQ src+0(FP), SI")
	f.op("MOVQ n+8(FP), CX")
	f.op("MOVL $0x7fffffff, AX")
	f.op("VPBROADCASTD AX, Z2")
	f.op("VPXORD Z0, Z0, Z0")
	f.label("loop")
	f.op("VPANDD (SI), Z2, Z1")
	f.op("VPMAXSD Z1, Z0, Z0") // NaNs are above infinity
	f.op("ADDQ $64, SI")
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	f.op("VEXTRACTI64X4 $1, Z0, Y1")
	f.op("VPMAXSD Y1, Y0, Y0")
	f.op("VEXTRACTI128 $1, Y0, X1")
	f.op("VPMAXSD X1, X0, X0")
	f.op("VPSHUFD $0x4e, X0, X1")
	f.op("VPMAXSD X1, X0, X0")
	f.op("VPSHUFD $0xb1, X0, X1")
	f.op("VPMAXSD X1, X0, X0")
	f.op("VMOVD X0, AX")
	f.op("MOVL AX, bits+16(FP)")
	f.op("VZEROUPPER")
	f.op("RET")

	f.text("quantiseAVX512", "(dst *uint8, src *float32, n int, inverse float32)", 28)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ n+16(FP), CX")
	f.op("VBROADCASTSS inverse+24(FP), Z3")
	f.op("MOVL $0x80808080, AX")
	f.op("VMOVD AX, X2")
	f.op("VPBROADCASTD X2, X2")
	f.label("loop")
	f.op("VMULPS (SI), Z3, Z0")
	f.op("VCVTPS2DQ Z0, Z0")
	f.op("VPMOVSDB Z0, X0")
	f.op("VPXOR X2, X0, X0")
	f.op("VMOVDQU X0, (DI)")
	f.op("ADDQ $64, SI")
	f.op("ADDQ $16, DI")
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	f.op("VZEROUPPER")
	f.op("RET")

	f.text("dequantiseAVX512", "(x, scales, bias unsafe.Pointer, n int, scale float32)", 36)
	f.op("MOVQ x+0(FP), DI")
	f.op("MOVQ scales+8(FP), SI")
	f.op("MOVQ bias+16(FP), R8")
	f.op("MOVQ n+24(FP), CX")
	f.op("VBROADCASTSS scale+32(FP), Z3")
	f.op("KXNORW K1, K1, K1")
	f.label("loop")
	f.op("CMPQ CX, $16")
	f.op("JGE whole")
	f.op("MOVL $1, AX")
	f.op("SHLL CX, AX")
	f.op("DECL AX")
	f.op("KMOVW AX, K1")
	f.label("whole")
	f.op("VCVTDQ2PS.Z (DI), K1, Z0")
	f.op("VMULPS.Z (SI), Z3, K1, Z1")
	f.op("VMOVUPS.Z (R8), K1, Z2")
	f.op("VFMADD213PS Z2, Z1, Z0")
	f.op("VMOVUPS Z0, K1, (DI)")
	for _, r := range []string{"DI", "SI", "R8"} {
		f.op("ADDQ $64, %s", r)
	}
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	f.op("VZEROUPPER")
	f.op("RET")
}
