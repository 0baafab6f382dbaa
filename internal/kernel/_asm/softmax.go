package main

import "fmt"

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

// expRow writes the exponentials of n values, a multiple of 16.
func expRow(f *file, in instructions) {
	e := exp{f, in}
	f.text("exp"+in.name, expSignature, 28)
	f.op("MOVQ x+0(FP), SI")
	f.op("MOVQ n+8(FP), CX")
	r := func(n int) string { return fmt.Sprint(in.reg, n) }
	shift, scale, sum := r(15), r(14), r(13)
	f.op("VBROADCASTSS shift+16(FP), %s", shift)
	f.op("VBROADCASTSS scale+20(FP), %s", scale)
	f.op("VXORPS X13, X13, X13")
	e.setup()
	f.label("loop")
	f.op("VMOVUPS (SI), %s", r(0))
	f.op("VSUBPS %s, %s, %s", shift, r(0), r(0))
	f.op("VMULPS %s, %s, %s", scale, r(0), r(0))
	e.replace()
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

func (in instructions) softmax(f *file) {
	exp{f, in}.data()
	maxRow(f, in)
	expRow(f, in)
}
