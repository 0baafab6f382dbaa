package main

// convertAVX2 writes conversions of n values, a multiple of 16.
func convertAVX2(f *file) {
	f.words("bf16", []uint32{1, 0x7fff, 0x0040})
	for _, format := range []string{"F16", "BF16"} {
		convertLoop(f, "widen"+format, "(dst *float32, src *byte, n int)", func() {
			loadAsF32(f, format, "(SI)", "Y0")
			loadAsF32(f, format, "16(SI)", "Y1")
			f.op("VMOVUPS Y0, (DI)")
			f.op("VMOVUPS Y1, 32(DI)")
			f.op("ADDQ $32, SI")
			f.op("ADDQ $64, DI")
		})
	}
	convertLoop(f, "narrowF16", "(dst *byte, src *float32, n int)", func() {
		f.op("VMOVUPS (SI), Y0")
		f.op("VMOVUPS 32(SI), Y1")
		f.op("VCVTPS2PH $0, Y0, (DI)") // to nearest even
		f.op("VCVTPS2PH $0, Y1, 16(DI)")
		f.op("ADDQ $64, SI")
		f.op("ADDQ $32, DI")
	})
	convertLoop(f, "narrowBF16", "(dst *byte, src *float32, n int)", func() {
		for i := range 2 {
			f.op("VMOVUPS %d(SI), Y%d", 32*i, i)
			roundToBF16(f, i)
		}
		f.op("VPACKUSDW Y1, Y0, Y0")
		f.op("VPERMQ $0xd8, Y0, Y0") // undo the packing by lanes
		f.op("VMOVDQU Y0, (DI)")
		f.op("ADDQ $64, SI")
		f.op("ADDQ $32, DI")
	})
}

func convertLoop(f *file, name, signature string, body func()) {
	f.text(name+"AVX2", signature, 24)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ n+16(FP), CX")
	if name == "narrowBF16" {
		for i := range 3 {
			f.op("VPBROADCASTD bf16<>+%d(SB), Y%d", 4*i, 13+i)
		}
	}
	f.label("loop")
	body()
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	f.op("VZEROUPPER")
	f.op("RET")
}

// roundToBF16 turns the values of Y(i) into the bits of the nearest bfloat16,
// a NaN into a quiet one. Y13 to Y15 hold the words of bf16.
func roundToBF16(f *file, i int) {
	x, rounded, nan := i, 4+i, 6+i
	f.op("VCMPPS $3, Y%d, Y%d, Y%d", x, x, nan) // unordered
	f.op("VPSRLD $16, Y%d, Y%d", x, rounded)
	f.op("VPAND Y13, Y%d, Y%d", rounded, rounded)
	f.op("VPADDD Y14, Y%d, Y%d", rounded, rounded)
	f.op("VPADDD Y%d, Y%d, Y%d", x, rounded, rounded)
	f.op("VPSRLD $16, Y%d, Y%d", rounded, rounded)
	f.op("VPSRLD $16, Y%d, Y%d", x, x)
	f.op("VPOR Y15, Y%d, Y%d", x, x)
	f.op("VBLENDVPS Y%d, Y%d, Y%d, Y%d", nan, x, rounded, x)
}
