package main

// dpbusd writes VPDPBUSD of AVX-VNNI, which Go's assembler encodes for AVX-512
// alone: VEX.256.66.0F38.W0 50 /r.
func dpbusd(f *file, x, y, acc string) {
	rm, v, r := number(x), number(y), number(acc)
	f.op("BYTE $0xc4; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x50; BYTE $0x%02x // VPDPBUSD %s, %s, %s",
		(^r>>3&1)<<7|1<<6|(^rm>>3&1)<<5|2, (^v&15)<<3|1<<2|1, 0xC0|r&7<<3|rm&7, x, y, acc)
}

// tileI8 writes the micro-kernel whose sums are integers.
func (in instructions) tileI8(f *file) {
	multiply := mnemonic("VPDPBUSD")
	if in.reg == "Y" {
		multiply = dpbusd
	}
	in.writeTile(f, "tileI8"+in.name, multiply, "VPADDD")
}

// bitwise returns the name of an instruction that AVX-512 has by the size of lanes.
func (in instructions) bitwise(name, suffix string) string {
	if in.reg == "Z" {
		return name + suffix
	}
	return name
}

// quantise writes what 8-bit products need beside their micro-kernel.
func (in instructions) quantise(f *file) {
	r, w := in.reg, in.width
	and, or, move := in.bitwise("VPAND", "D"), in.bitwise("VPOR", "D"), in.bitwise("VMOVDQU", "32")

	f.text("quadLines"+in.name, "(dst, src, inverse, sums unsafe.Pointer, quads uintptr)", 40)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ inverse+16(FP), R8")
	f.op("MOVQ sums+24(FP), R9")
	f.op("MOVQ quads+32(FP), CX")
	f.op("MOVL $0xff, AX")
	f.op("VMOVD AX, X14")
	f.op("VPBROADCASTD X14, %s14", r)
	for half := range 2 {
		f.op("VMOVUPS %d(R8), %s%d", w*half, r, 10+half)
		f.op("%s %d(R9), %s%d", move, w*half, r, 12+half)
	}
	f.label("quad")
	for half := range 2 {
		for i := range 4 {
			f.op("VMULPS %d(SI), %s%d, %s%d", 2*w*i+w*half, r, 10+half, r, i)
			f.op("VCVTPS2DQ %s%d, %s%d", r, i, r, i)
			f.op("VPADDD %s%d, %s%d, %s%d", r, i, r, 12+half, r, 12+half)
			if i < 3 {
				f.op("%s %s14, %s%d, %s%d", and, r, r, i, r, i)
			}
			if i > 0 {
				f.op("VPSLLD $%d, %s%d, %s%d", 8*i, r, i, r, i)
				f.op("%s %s%d, %s0, %s0", or, r, i, r, r)
			}
		}
		f.op("%s %s0, %d(DI)", move, r, w*half)
	}
	f.op("ADDQ $%d, SI", 8*w)
	f.op("ADDQ $%d, DI", 2*w)
	f.op("DECQ CX")
	f.op("JNE quad")
	for half := range 2 {
		f.op("%s %s%d, %d(R9)", move, r, 12+half, w*half)
	}
	f.op("VZEROUPPER")
	f.op("RET")

	f.text("absMax"+in.name, "(src *float32, n int) (bits uint32)", 20)
	f.op("MOVQ src+0(FP), SI")
	f.op("MOVQ n+8(FP), CX")
	f.op("MOVL $0x7fffffff, AX")
	f.op("VMOVD AX, X2")
	f.op("VPBROADCASTD X2, %s2", r)
	f.op("VPXOR X0, X0, X0")
	f.label("loop")
	for at := 0; at < 64; at += w {
		f.op("%s %d(SI), %s2, %s1", and, at, r, r)
		f.op("VPMAXSD %s1, %s0, %s0", r, r, r) // NaNs are above infinity
	}
	f.op("ADDQ $64, SI")
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	if r == "Z" {
		f.op("VEXTRACTI64X4 $1, Z0, Y1")
		f.op("VPMAXSD Y1, Y0, Y0")
	}
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

	f.text("quantise"+in.name, "(dst *uint8, src *float32, n int, inverse float32)", 28)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ n+16(FP), CX")
	f.op("VBROADCASTSS inverse+24(FP), %s3", r)
	f.op("MOVL $0x80808080, AX")
	f.op("VMOVD AX, X2")
	f.op("VPBROADCASTD X2, X2")
	f.label("loop")
	for i := range 64 / w {
		f.op("VMULPS %d(SI), %s3, %s%d", w*i, r, r, i)
		f.op("VCVTPS2DQ %s%d, %s%d", r, i, r, i)
	}
	if r == "Z" {
		f.op("VPMOVSDB Z0, X0")
	} else {
		f.op("VPACKSSDW Y1, Y0, Y0")
		f.op("VPERMQ $0xd8, Y0, Y0") // undo the packing by lanes
		f.op("VEXTRACTI128 $1, Y0, X1")
		f.op("VPACKSSWB X1, X0, X0")
	}
	f.op("VPXOR X2, X0, X0")
	f.op("VMOVDQU X0, (DI)")
	f.op("ADDQ $64, SI")
	f.op("ADDQ $16, DI")
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	f.op("VZEROUPPER")
	f.op("RET")

	if r == "Z" {
		dequantiseRows(f, "dequantiseRowsAVX512", false)
		dequantiseRows(f, "dequantiseRowsBF16AVX512", true)
		return
	}
	f.text("dequantise"+in.name, "(x, scales, bias unsafe.Pointer, n int, scale float32)", 36)
	f.op("MOVQ x+0(FP), DI")
	f.op("MOVQ scales+8(FP), SI")
	f.op("MOVQ bias+16(FP), R8")
	f.op("MOVQ n+24(FP), CX")
	f.op("VBROADCASTSS scale+32(FP), Y3")
	f.label("loop")
	f.op("VCVTDQ2PS (DI), Y0")
	f.op("VMULPS (SI), Y3, Y1")
	f.op("VFMADD213PS (R8), Y1, Y0")
	f.op("VMOVUPS Y0, (DI)")
	for _, p := range []string{"DI", "SI", "R8"} {
		f.op("ADDQ $%d, %s", w, p)
	}
	f.op("SUBQ $%d, CX", w/4)
	f.op("JGT loop")
	f.op("VZEROUPPER")
	f.op("RET")
}

// dequantiseRows writes what makes values of the sums of a tile. What is added
// and what is stored are float32 or bfloat16. K3 is empty if there is nothing to
// add, and the sums are read in its place.
func dequantiseRows(f *file, name string, narrow bool) {
	f.text(name, "(t *integerTile)", 8)
	f.op("MOVQ t+0(FP), AX")
	f.op("MOVQ integerTile_Sums(AX), SI")
	f.op("MOVQ integerTile_RowScales(AX), R8")
	f.op("MOVQ integerTile_Rows(AX), BX")
	f.op("MOVQ integerTile_Dst(AX), DI")
	f.op("MOVQ integerTile_Add(AX), R9")
	f.op("MOVQ integerTile_LDAdd(AX), R10")
	f.op("KXNORW K3, K3, K3")
	f.op("TESTQ R9, R9")
	f.op("JNE row")
	f.op("KXORW K3, K3, K3")
	f.op("MOVQ SI, R9")
	f.op("MOVQ integerTile_LDSums(AX), R10")
	f.label("row")
	f.op("VBROADCASTSS (R8), Z3")
	f.op("XORQ DX, DX") // column
	f.op("MOVQ integerTile_Scales(AX), R11")
	f.op("MOVQ integerTile_Bias(AX), R12")
	f.op("MOVQ integerTile_Cols(AX), CX")
	f.op("KXNORW K1, K1, K1")
	f.label("columns")
	f.op("CMPQ CX, $16")
	f.op("JGE whole")
	f.op("MOVL $1, R13")
	f.op("SHLL CX, R13")
	f.op("DECL R13")
	f.op("KMOVW R13, K1")
	f.label("whole")
	f.op("VCVTDQ2PS.Z (SI)(DX*4), K1, Z0")
	f.op("VMULPS.Z (R11)(DX*4), Z3, K1, Z1")
	f.op("VMOVUPS.Z (R12)(DX*4), K1, Z2")
	f.op("VFMADD213PS Z2, Z1, Z0")
	f.op("KANDW K1, K3, K2")
	if narrow {
		f.op("VPMOVZXWD.Z (R9)(DX*2), K2, Z1")
		f.op("VPSLLD $16, Z1, Z1")
	} else {
		f.op("VMOVUPS.Z (R9)(DX*4), K2, Z1")
	}
	f.op("VADDPS Z1, Z0, Z0")
	if narrow {
		narrowPair(f, "Z0", "Z0", "Z0")
		f.op("VPMOVZXWD Y0, Z0")
		f.op("VPMOVDW Z0, K1, (DI)(DX*2)")
	} else {
		f.op("VMOVUPS Z0, K1, (DI)(DX*4)")
	}
	f.op("ADDQ $16, DX")
	f.op("SUBQ $16, CX")
	f.op("JGT columns")
	f.op("ADDQ $4, R8")
	f.op("ADDQ integerTile_LDSums(AX), SI")
	f.op("ADDQ R10, R9")
	f.op("ADDQ integerTile_LDDst(AX), DI")
	f.op("DECQ BX")
	f.op("JNE row")
	f.op("VZEROUPPER")
	f.op("RET")
}
