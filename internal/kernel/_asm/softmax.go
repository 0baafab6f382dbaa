package main

import (
	"fmt"
	"strings"
)

// softmax writes a step of a streaming softmax over a tile of scores: for
// AVX-512 with weights in float32 and in bfloat16.
func (in instructions) softmax(f *file) {
	s := softmax{file: f, instructions: in}
	s.data()
	s.tile("F32")
	if in.reg == "Z" {
		s.tile("BF16")
		s.divide("F32")
		s.divide("BF16")
	}
}

// exp2Words are the coefficients of 2^x for x in [0, 1], from the highest on:
// minimax in relative error, 1.5e-7 in float32 (by Remez's algorithm). The
// shorter one, for bfloat16, is within 7.5e-5.
var exp2Words = map[string][]float32{
	"F32": {0.0018775766752108201, 0.008989340090445854, 0.055826318053338965,
		0.24015361704436003, 0.6931530732001706, 0.9999999250635262},
	"BF16": {0.07802452264047954, 0.2260671554274825, 0.6958335404947533, 0.9999252185627154},
}

const (
	lowestFloat32 = 0xff7fffff
	minusInf      = 0xff800000
)

type softmax struct {
	*file
	instructions
	format string // of the weights
}

// data declares what the functions of a file share; AVX2 has whole vectors, as
// it lacks the registers to hold the constants.
func (s softmax) data() {
	if s.reg == "Z" {
		s.words("exp2F32", floatBits(exp2Words["F32"]))
		s.words("exp2BF16", floatBits(exp2Words["BF16"]))
		s.words("bounds", []uint32{lowestFloat32, minusInf})
		return
	}
	var vectors []uint32
	for _, w := range append(floatBits(exp2Words["F32"]), lowestFloat32, minusInf) {
		for range s.width / 4 {
			vectors = append(vectors, w)
		}
	}
	s.words("exp2F32", vectors)
	s.words("exponents", append(floatBits([]float32{-126}), 127))
	s.words("masks", onesAndZeros(s.line()/4))
}

func (s softmax) vec(i int) string { return fmt.Sprint(s.reg, i) }

// scale and shift are vectors that are kept; AVX2 has room for few.
func (s softmax) scale() string { return map[string]string{"Z": "Z31", "Y": "Y15"}[s.reg] }
func (s softmax) shift() string { return map[string]string{"Z": "Z5", "Y": "Y14"}[s.reg] }

const (
	lowestAVX512 = "Z30"
	infAVX512    = "Z29"
)

// lowest is a constant: a register, or a vector in memory.
func (s softmax) lowest() string {
	if s.reg == "Z" {
		return lowestAVX512
	}
	return fmt.Sprintf("exp2F32<>+%d(SB)", s.width*len(exp2Words["F32"]))
}

func (s softmax) coefficient(i int) string {
	if s.reg == "Z" {
		return s.vec(20 + i)
	}
	return fmt.Sprintf("exp2F32<>+%d(SB)", s.width*i)
}

func (s softmax) tile(format string) {
	s.format = format
	s.text("softmax"+format+s.name, "(t *scoreTile)", 8)
	s.op("MOVQ t+0(FP), AX")
	s.op("VBROADCASTSS scoreTile_Scale(AX), %s", s.scale())
	if s.reg == "Z" {
		for i := range exp2Words[format] {
			s.op("VBROADCASTSS exp2%s<>+%d(SB), %s", format, 4*i, s.coefficient(i))
		}
		s.op("VBROADCASTSS bounds<>+0(SB), %s", lowestAVX512)
		s.op("VBROADCASTSS bounds<>+4(SB), %s", infAVX512)
	} else {
		s.op("VBROADCASTSS exponents<>+0(SB), Y13")
		s.op("VPBROADCASTD exponents<>+4(SB), Y12")
	}
	s.op("MOVQ scoreTile_Scores(AX), SI")
	s.op("MOVQ scoreTile_Stride(AX), R8")
	s.op("MOVQ scoreTile_Rows(AX), R9")
	s.op("MOVQ scoreTile_N(AX), BX")
	s.pad()
	s.op("MOVQ scoreTile_Rows(AX), R9")
	s.op("MOVQ scoreTile_Max(AX), R10")
	s.op("MOVQ scoreTile_Sum(AX), R11")
	s.op("MOVQ scoreTile_Out(AX), R12")
	s.op("MOVQ scoreTile_OutStride(AX), R13")
	s.label("row")
	s.greatest()
	s.rescale()
	s.weigh()
	s.op("ADDQ R8, SI")
	s.op("ADDQ $4, R10")
	s.op("ADDQ $64, R11")
	s.op("ADDQ R13, R12")
	s.op("DECQ R9")
	s.op("JNE row")
	s.op("VZEROUPPER")
	s.op("RET")
}

// pad sets the scores after the last, up to a whole line, to -Inf.
func (s softmax) pad() {
	lanes := s.line() / 4
	s.op("MOVQ BX, CX")
	s.op("ANDQ $%d, CX", lanes-1)
	s.op("JEQ padded")
	s.op("LEAQ (SI)(BX*4), DI")
	s.op("SHLQ $2, CX")
	s.op("SUBQ CX, DI") // the last line
	if s.reg == "Z" {
		s.op("SHRL $2, CX")
		s.op("MOVL $-1, DX")
		s.op("SHLL CX, DX")
		s.op("KMOVW DX, K1")
		s.op("SHRL $16, DX")
		s.op("KMOVW DX, K2")
	} else {
		s.op("LEAQ masks<>+%d(SB), DX", s.line())
		s.op("SUBQ CX, DX")
		s.op("VPCMPEQD Y2, Y2, Y2")
		s.op("VPXOR (DX), Y2, Y0")
		s.op("VPXOR %d(DX), Y2, Y1", s.width)
		s.op("VMOVUPS exp2F32<>+%d(SB), Y2", s.width*(len(exp2Words["F32"])+1))
	}
	s.label("pad")
	for half := range 2 {
		if s.reg == "Z" {
			s.op("VMOVUPS %s, K%d, %d(DI)", infAVX512, half+1, half*s.width)
		} else {
			s.op("VMASKMOVPS Y2, Y%d, %d(DI)", half, half*s.width)
		}
	}
	s.op("ADDQ R8, DI")
	s.op("DECQ R9")
	s.op("JNE pad")
	s.label("padded")
}

// greatest leaves the scaled greatest score of a row in every lane of vector 0.
func (s softmax) greatest() {
	s.op("MOVQ BX, CX")
	s.op("MOVQ SI, DI")
	for half := range 2 {
		s.op("VMOVUPS %d(DI), %s", half*s.width, s.vec(half))
	}
	s.op("JMP next")
	s.label("max")
	for half := range 2 {
		s.op("VMAXPS %d(DI), %s, %s", half*s.width, s.vec(half), s.vec(half))
	}
	s.label("next")
	s.op("ADDQ $%d, DI", s.line())
	s.op("SUBQ $%d, CX", s.line()/4)
	s.op("JGT max")
	s.op("VMAXPS %s, %s, %s", s.vec(1), s.vec(0), s.vec(0))
	s.fold("VMAXPS")
	s.op("VMULPS %s, %s, %s", s.scale(), s.vec(0), s.vec(0))
	// -Inf would make NaN of a score of -Inf. The order drops a NaN.
	s.op("VMAXPS %s, %s, %s", s.lowest(), s.vec(0), s.vec(0))
}

// fold combines the lanes of vector 0 to every lane of it, by way of vector 1.
func (s softmax) fold(op string) {
	if s.reg == "Z" {
		for _, order := range []string{"$0x4e", "$0xb1"} {
			s.op("VSHUFF32X4 %s, Z0, Z0, Z1", order)
			s.op("%s Z1, Z0, Z0", op)
		}
	} else {
		s.op("VPERM2F128 $1, Y0, Y0, Y1")
		s.op("%s Y1, Y0, Y0", op)
	}
	for _, order := range []string{"$0x4e", "$0xb1"} {
		s.op("VPERMILPS %s, %s, %s", order, s.vec(0), s.vec(1))
		s.op("%s %s, %s, %s", op, s.vec(1), s.vec(0), s.vec(0))
	}
}

// rescale keeps the greatest score so far as the shift, and if it has grown,
// scales down what the earlier keys gave.
func (s softmax) rescale() {
	shift, factor := s.shift(), s.vec(0)
	s.op("VBROADCASTSS (R10), %s", shift)
	s.op("VUCOMISS X%s, X0", shift[1:])
	s.op("JLS kept")
	s.op("VMOVSS X0, (R10)")
	s.op("VSUBPS %s, %s, %s", s.vec(0), shift, s.vec(1))
	s.op("VUCOMISS %s, X%s", strings.Replace(s.lowest(), "Z", "X", 1), shift[1:])
	s.op("VMOVAPS %s, %s", s.vec(0), shift)
	s.op("JEQ kept") // nothing came before
	s.exp2(1, 0, 3)
	for i := 0; i < 64; i += s.width {
		s.op("VMULPS %d(R11), %s, %s", i, factor, s.vec(1))
		s.op("VMOVUPS %s, %d(R11)", s.vec(1), i)
	}
	s.op("MOVQ scoreTile_OutN(AX), CX")
	s.op("MOVQ R12, DI")
	s.label("shrink")
	for i := 0; i < 64; i += s.width {
		s.op("VMULPS %d(DI), %s, %s", i, factor, s.vec(1))
		s.op("VMOVUPS %s, %d(DI)", s.vec(1), i)
	}
	s.op("ADDQ $64, DI")
	s.op("SUBQ $16, CX")
	s.op("JGT shrink")
	s.label("kept")
}

// weigh turns the scores of a row into weights and adds them to the row's sums.
func (s softmax) weigh() {
	data := []int{0, 1}
	poly := []int{6, 7}
	work := []int{8, 9}
	sums := []string{"Z10", "Z11"}
	if s.reg == "Y" {
		poly, work, sums = []int{2, 3}, []int{4, 5}, []string{"Y10", "Y11"}
	}
	for _, v := range sums {
		s.op("VXORPS %s, %s, %s", v, v, v)
	}
	s.op("MOVQ BX, CX")
	s.op("MOVQ SI, DI")
	if s.format == "BF16" {
		s.op("MOVQ SI, DX")
	}
	s.op("PCALIGN $32")
	s.label("weigh")
	for half, x := range data {
		s.op("VMOVUPS %d(DI), %s", half*s.width, s.vec(x))
	}
	for _, x := range data {
		s.op("VFMSUB213PS %s, %s, %s", s.shift(), s.scale(), s.vec(x))
	}
	for half, x := range data {
		s.exp2(x, poly[half], work[half])
	}
	for half := range data {
		s.op("VADDPS %s, %s, %s", s.vec(poly[half]), sums[half], sums[half])
		if s.format == "F32" {
			s.op("VMOVUPS %s, %d(DI)", s.vec(poly[half]), half*s.width)
		}
	}
	if s.format == "BF16" {
		narrowPair(s.file, s.vec(poly[0]), s.vec(poly[1]), "Z12")
		s.op("VMOVUPS Z12, (DX)")
		s.op("ADDQ $64, DX")
	}
	s.op("ADDQ $%d, DI", s.line())
	s.op("SUBQ $%d, CX", s.line()/4)
	s.op("JGT weigh")
	if s.reg == "Z" {
		s.op("VADDPS Z11, Z10, Z10")
		s.op("VADDPS (R11), Z10, Z10")
		s.op("VMOVUPS Z10, (R11)")
		return
	}
	for half, v := range sums {
		s.op("VADDPS %d(R11), %s, %s", half*s.width, v, v)
		s.op("VMOVUPS %s, %d(R11)", v, half*s.width)
	}
}

// exp2 sets vector p to 2^x, x not positive, by way of vectors x and r. The
// polynomial takes what x is above a whole number.
func (s softmax) exp2(x, p, r int) {
	horner := func() {
		last := len(exp2Words[s.format]) - 1
		s.op("VMOVAPS %s, %s", s.coefficient(0), s.vec(p))
		for i := 1; i <= last; i++ {
			s.op("VFMADD213PS %s, %s, %s", s.coefficient(i), s.vec(r), s.vec(p))
		}
	}
	if s.reg == "Z" {
		s.op("VREDUCEPS $9, Z%d, Z%d", x, r)
		horner()
		s.op("VSCALEFPS Z%d, Z%d, Z%d", x, p, p)
		return
	}
	under := 6 + x%2
	s.op("VCMPPS $1, Y13, Y%d, Y%d", x, under) // below the least normal number
	s.op("VMAXPS Y%d, Y13, Y%d", x, x)         // this order keeps a NaN
	s.op("VROUNDPS $9, Y%d, Y%d", x, 8+x%2)
	s.op("VSUBPS Y%d, Y%d, Y%d", 8+x%2, x, r)
	horner()
	s.op("VCVTPS2DQ Y%d, Y%d", 8+x%2, r)
	s.op("VPADDD Y12, Y%d, Y%d", r, r)
	s.op("VPSLLD $23, Y%d, Y%d", r, r)
	s.op("VMULPS Y%d, Y%d, Y%d", r, p, p)
	s.op("VANDNPS Y%d, Y%d, Y%d", p, under, p)
}

// divide writes the end of a softmax: rows of sums of weighted values, a
// multiple of 32 long, over the sums of the weights.
func (s softmax) divide(format string) {
	s.text("divide"+format+s.name, "(t *scoreTile, dst unsafe.Pointer, stride uintptr)", 24)
	s.op("MOVQ t+0(FP), AX")
	s.op("MOVQ dst+8(FP), R8")
	s.op("MOVQ stride+16(FP), R9")
	s.op("MOVQ scoreTile_Rows(AX), R10")
	s.op("MOVQ scoreTile_Sum(AX), R11")
	s.op("MOVQ scoreTile_Out(AX), R12")
	s.op("MOVQ scoreTile_OutStride(AX), R13")
	s.op("MOVL $0x3f800000, CX")
	s.op("VPBROADCASTD CX, Z31")
	s.label("row")
	s.op("VMOVUPS (R11), Z0")
	s.fold("VADDPS")
	s.op("VDIVPS Z0, Z31, Z0")
	s.op("MOVQ scoreTile_OutN(AX), CX")
	s.op("MOVQ R12, SI")
	s.op("MOVQ R8, DI")
	s.label("values")
	s.op("VMULPS (SI), Z0, Z1")
	s.op("VMULPS 64(SI), Z0, Z2")
	if format == "F32" {
		s.op("VMOVUPS Z1, (DI)")
		s.op("VMOVUPS Z2, 64(DI)")
		s.op("ADDQ $128, DI")
	} else {
		narrowPair(s.file, "Z1", "Z2", "Z3")
		s.op("VMOVUPS Z3, (DI)")
		s.op("ADDQ $64, DI")
	}
	s.op("ADDQ $128, SI")
	s.op("SUBQ $32, CX")
	s.op("JGT values")
	s.op("ADDQ R9, R8")
	s.op("ADDQ $64, R11")
	s.op("ADDQ R13, R12")
	s.op("DECQ R10")
	s.op("JNE row")
	s.op("VZEROUPPER")
	s.op("RET")
}
