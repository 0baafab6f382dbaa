package main

// neonSoftmax writes a step of a streaming softmax over a tile of scores; see
// scoreTile.
func neonSoftmax(f *file) {
	const (
		poly      = 20 // the words of exp2F32
		minNormal = 26 // the least exponent
		lowest    = 27
		bias      = 28
		shift     = 29 // the greatest score so far, negative
		scale     = 31
		least     = 0xc2fc0000 // -126
	)
	n := neon{f}
	words := append(floatBits(exp2Words["F32"]), least, lowestFloat32, 127)
	n.words("exp2Words", words)
	// exp2 sets V(4+i) to 2^V(i) by way of V16 to V19.
	exp2 := func(i int) {
		x, p, under, whole := i, 4+i, 16, 17
		n.do("FCMGT", under, minNormal, x)
		n.do("FMAX", x, x, minNormal) // keeps a NaN
		n.do("FRINTM", whole, x)
		n.do("FSUB", x, x, whole)
		got := n.horner(18, 19, x, registers(poly, len(exp2Words["F32"])))
		n.do("FCVTNS", whole, whole)
		n.do("ADD", whole, whole, bias)
		n.do("SHL23", whole, whole)
		n.do("FMUL", p, got, whole)
		n.do("BIC", p, p, under)
	}

	n.text("softmaxNEON", "(t *scoreTile)", 8)
	n.op("MOVD t+0(FP), R0")
	n.spread("exp2Words", len(words), poly)
	for i, field := range []string{"Scores", "Stride", "Rows", "N", "Max", "Sum", "Out", "OutStride", "OutN"} {
		n.op("MOVD scoreTile_%s(R0), R%d", field, 1+i)
	}
	n.op("ADD $scoreTile_Scale, R0, R10")
	n.op("VLD1R (R10), [V%d.S4]", scale)

	// The scores after the last, up to a multiple of 16, are set to -Inf.
	n.op("ADD $15, R4, R11")
	n.op("AND $~15, R11")
	n.op("SUB R4, R11, R10")
	n.op("CBZ R10, padded")
	n.op("MOVW $0x%08x, R12", uint32(minusInf))
	n.op("MOVD R1, R13")
	n.op("MOVD R3, R14")
	n.loop("pad", "R14", 1, func() {
		n.op("ADD R4<<2, R13, R15")
		n.op("MOVD R10, R16")
		n.loop("padding", "R16", 1, func() {
			n.op("MOVW R12, (R15)")
			n.next(4, "R15")
		})
		n.op("ADD R2, R13")
	})
	n.label("padded")

	n.label("row")
	n.op("MOVD R1, R13")
	n.op("MOVD R11, R14")
	for i := range 4 {
		n.load(i, "R13", 16*i)
	}
	n.op("B next")
	n.label("greatest")
	for i := range 4 {
		n.load(4, "R13", 16*i)
		n.do("FMAXNM", i, i, 4)
	}
	n.label("next")
	n.next(64, "R13")
	n.op("SUBS $16, R14, R14")
	n.op("BGT greatest")
	for _, pair := range [][2]int{{0, 1}, {2, 3}, {0, 2}} {
		n.do("FMAXNM", pair[0], pair[0], pair[1])
	}
	n.do("FMAXNMV", 0, 0)
	n.op("VDUP V0.S[0], V0.S4")
	n.do("FMUL", 0, 0, scale)
	n.do("FMAXNM", 0, 0, lowest) // -Inf would make NaN of a score of -Inf

	n.op("FMOVS (R5), F1")
	n.op("VDUP V1.S[0], V%d.S4", shift)
	n.op("FCMPS F1, F0")
	n.op("BLE kept")
	n.op("FMOVS F0, (R5)")
	n.op("FCMPS F%d, F1", lowest)
	n.move(shift, 0)
	n.op("BEQ kept") // nothing came before
	shrink := func(base string) {
		for i := range 4 {
			n.load(0, base, 16*i)
			n.do("FMUL", 0, 0, 4)
			n.store(0, base, 16*i)
		}
	}
	n.op("VDUP V1.S[0], V1.S4")
	n.do("FSUB", 0, 1, shift)
	exp2(0)
	shrink("R6")
	n.op("MOVD R7, R13")
	n.op("MOVD R9, R14")
	n.loop("shrink", "R14", 16, func() {
		shrink("R13")
		n.next(64, "R13")
	})
	n.label("kept")
	n.do("FNEG", shift, shift)

	n.op("MOVD R1, R13")
	n.op("MOVD R11, R14")
	for i := range 4 {
		n.load(8+i, "R6", 16*i)
	}
	n.loop("weigh", "R14", 16, func() {
		for i := range 4 {
			n.load(30, "R13", 16*i)
			n.move(i, shift)
			n.do("FMLA", i, 30, scale)
			exp2(i)
			n.do("FADD", 8+i, 8+i, 4+i)
			n.store(4+i, "R13", 16*i)
		}
		n.next(64, "R13")
	})
	for i := range 4 {
		n.store(8+i, "R6", 16*i)
	}
	n.op("ADD R2, R1")
	n.next(4, "R5")
	n.next(64, "R6")
	n.op("ADD R8, R7")
	n.op("SUBS $1, R3, R3")
	n.op("BGT row")
	n.op("RET")
}
