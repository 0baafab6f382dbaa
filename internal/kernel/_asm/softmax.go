package main

import "fmt"

// The constants of the exponential function: exp(x) = 2^n exp(r), where r is
// within ln(2)/2 of 0 and its exponential a polynomial. The method and the
// coefficients are those of expf in Moshier's Cephes Mathematical Library.
var expWords = []float32{
	1.44269504088896341,         // log2(e)
	0.693359375, -2.12194440e-4, // ln(2) in two parts
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
	1,
}

const (
	expLog2e = iota
	expLn2Hi
	expLn2Lo
	expPoly
	expOne    = expPoly + 6
	expLowest = expOne + 1 // the least argument; below it the result is 0
)

const (
	expSignature = "(x *float32, n int, shift, scale float32) (sum float32)"
	maxSignature = "(x *float32, n int) (max float32)"
)

// reduce folds the vector Y0 to its lowest element.
func reduce(f *file, op string) {
	f.op("VEXTRACTF128 $1, Y0, X1")
	f.op("%s X1, X0, X0", op)
	f.op("VPERMILPS $0x4e, X0, X1")
	f.op("%s X1, X0, X0", op)
	f.op("VPERMILPS $0xb1, X0, X1")
	f.op("%s X1, X0, X0", op)
}

// maxRow writes the greatest of n values, a multiple of 16. Operands are in the
// order that makes a NaN lose to what came before it.
func maxRow(f *file, in instructions) {
	f.text("max"+in.name, maxSignature, 20)
	f.op("MOVQ x+0(FP), SI")
	f.op("MOVQ n+8(FP), CX")
	vectors := 64 / in.width
	for i := range vectors {
		f.op("VMOVUPS %d(SI), %s%d", i*in.width, in.reg, i)
	}
	f.op("JMP next")
	f.label("loop")
	for i := range vectors {
		f.op("VMOVUPS %d(SI), %s%d", i*in.width, in.reg, vectors+i)
		f.op("VMAXPS %[1]s%[2]d, %[1]s%[3]d, %[1]s%[2]d", in.reg, i, vectors+i)
	}
	f.label("next")
	f.op("ADDQ $64, SI")
	f.op("SUBQ $16, CX")
	f.op("JGT loop")
	if in.reg == "Z" {
		f.op("VEXTRACTF64X4 $1, Z0, Y1")
	}
	f.op("VMAXPS Y1, Y0, Y0")
	reduce(f, "VMAXPS")
	f.op("VMOVSS X0, max+16(FP)")
	f.op("VZEROUPPER")
	f.op("RET")
}

// expRow writes the exponentials of n values, a multiple of 16. setup loads
// constants, and exp replaces vector 0 by its exponential.
func expRow(f *file, in instructions, setup, exp func()) {
	f.text("exp"+in.name, expSignature, 28)
	f.op("MOVQ x+0(FP), SI")
	f.op("MOVQ n+8(FP), CX")
	r := func(n int) string { return fmt.Sprint(in.reg, n) }
	shift, scale, sum := r(15), r(14), r(13)
	f.op("VBROADCASTSS shift+16(FP), %s", shift)
	f.op("VBROADCASTSS scale+20(FP), %s", scale)
	f.op("VXORPS X13, X13, X13")
	setup()
	f.label("loop")
	f.op("VMOVUPS (SI), %s", r(0))
	f.op("VSUBPS %s, %s, %s", shift, r(0), r(0))
	f.op("VMULPS %s, %s, %s", scale, r(0), r(0))
	exp()
	f.op("VMOVUPS %s, (SI)", r(0))
	f.op("VADDPS %s, %s, %s", r(0), sum, sum)
	f.op("ADDQ $%d, SI", in.width)
	f.op("SUBQ $%d, CX", in.width/4)
	f.op("JGT loop")
	if in.reg == "Z" {
		f.op("VEXTRACTF64X4 $1, Z13, Y1")
		f.op("VADDPS Y1, Y13, Y0")
	} else {
		f.op("VMOVAPS Y13, Y0")
	}
	reduce(f, "VADDPS")
	f.op("VMOVSS X0, sum+24(FP)")
	f.op("VZEROUPPER")
	f.op("RET")
}

func softmaxAVX512(f *file) {
	f.words("expWords", floatBits(append(expWords, -104))) // rounds to 0
	constant := func(i int) string { return fmt.Sprint("Z", 16+i) }
	maxRow(f, avx512)
	expRow(f, avx512, func() {
		for i := range expLowest + 1 {
			f.op("VBROADCASTSS expWords<>+%d(SB), %s", 4*i, constant(i))
		}
	}, func() {
		f.op("VMAXPS Z0, %s, Z0", constant(expLowest)) // this order keeps a NaN
		f.op("VMULPS %s, Z0, Z1", constant(expLog2e))
		f.op("VRNDSCALEPS $8, Z1, Z1") // to nearest even
		f.op("VFNMADD231PS %s, Z1, Z0", constant(expLn2Hi))
		f.op("VFNMADD231PS %s, Z1, Z0", constant(expLn2Lo))
		f.op("VMULPS Z0, Z0, Z3")
		f.op("VMOVAPS %s, Z2", constant(expPoly))
		for i := 1; i < 6; i++ {
			f.op("VFMADD213PS %s, Z0, Z2", constant(expPoly+i))
		}
		f.op("VFMADD213PS Z0, Z3, Z2")
		f.op("VADDPS %s, Z2, Z2", constant(expOne))
		f.op("VSCALEFPS Z1, Z2, Z0")
	})
}

func softmaxAVX2(f *file) {
	f.words("expWords", floatBits(append(expWords, -87.33654))) // the least normal number
	f.words("exponentBias", []uint32{127})
	maxRow(f, avx2)
	in := map[int]string{expLowest: "Y12", expOne: "Y11", expLog2e: "Y10", expLn2Hi: "Y9", expLn2Lo: "Y8"}
	expRow(f, avx2, func() {
		for _, i := range []int{expLowest, expOne, expLog2e, expLn2Hi, expLn2Lo} {
			f.op("VBROADCASTSS expWords<>+%d(SB), %s", 4*i, in[i])
		}
		f.op("VPBROADCASTD exponentBias<>(SB), Y7")
	}, func() {
		f.op("VCMPPS $1, %s, Y0, Y6", in[expLowest]) // less than
		f.op("VMAXPS Y0, %s, Y0", in[expLowest])     // this order keeps a NaN
		f.op("VMULPS %s, Y0, Y1", in[expLog2e])
		f.op("VROUNDPS $8, Y1, Y1") // to nearest even
		f.op("VFNMADD231PS %s, Y1, Y0", in[expLn2Hi])
		f.op("VFNMADD231PS %s, Y1, Y0", in[expLn2Lo])
		f.op("VMULPS Y0, Y0, Y3")
		f.op("VBROADCASTSS expWords<>+%d(SB), Y2", 4*expPoly)
		for i := 1; i < 6; i++ {
			f.op("VBROADCASTSS expWords<>+%d(SB), Y4", 4*(expPoly+i))
			f.op("VFMADD213PS Y4, Y0, Y2")
		}
		f.op("VFMADD213PS Y0, Y3, Y2")
		f.op("VADDPS %s, Y2, Y2", in[expOne])
		f.op("VCVTPS2DQ Y1, Y1")
		f.op("VPADDD Y7, Y1, Y1")
		f.op("VPSLLD $23, Y1, Y1")
		f.op("VMULPS Y1, Y2, Y0")
		f.op("VANDNPS Y0, Y6, Y0")
	})
}
