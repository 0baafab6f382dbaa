package main

import "fmt"

// dots writes products of a query with rows of n numbers. n is a multiple of four
// vectors in float32, and of two half vectors in 8 bits.
func (in instructions) dots(f *file) {
	passData(f, in)
	p := &pass{file: f, instructions: in}
	p.products("f32", 4, func() {
		for i := range 4 {
			at := fmt.Sprintf("%d(SI)(AX*1)", i*p.width)
			p.op("VMOVUPS %s, %s", at, p.vec(4+i))
			p.op("VFMADD231PS %d(R8)(AX*1), %s, %s", i*p.width, p.vec(4+i), p.vec(i))
		}
	}, 4*p.width, "VADDPS", func() {})
	half := p.width / 2
	p.products("i8", 1, func() {
		for i := range 2 {
			p.op("VPMOVSXBW %d(SI)(AX*1), %s", i*half, p.vec(4+2*i))
			p.op("VPMOVSXBW %d(R8)(AX*1), %s", i*half, p.vec(5+2*i))
			p.op("VPMADDWD %[1]s, %[2]s, %[1]s", p.vec(4+2*i), p.vec(5+2*i))
			p.op("VPADDD %[1]s, %[2]s, %[2]s", p.vec(4+2*i), p.vec(i))
		}
	}, 2*half, "VPADDD", func() { p.op("VCVTDQ2PS X0, X0") })
}

// products writes a loop over rows, and over the bytes of each, step at a time.
func (p *pass) products(name string, size int, body func(), step int, add string, last func()) {
	p.text(name+p.name, fmt.Sprintf("(dst *float32, query, rows *%s, n, count int)", map[int]string{4: "float32", 1: "int8"}[size]), 40)
	p.op("MOVQ dst+0(FP), DI")
	p.op("MOVQ query+8(FP), SI")
	p.op("MOVQ rows+16(FP), R8")
	p.op("MOVQ n+24(FP), R9")
	p.op("MOVQ count+32(FP), R10")
	if size == 4 {
		p.op("SHLQ $2, R9")
	}
	accs := step / p.width
	if size == 1 {
		accs = 2
	}
	p.label("row")
	for i := range accs {
		p.op("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
	}
	p.op("XORL AX, AX")
	p.op("PCALIGN $32")
	p.label("loop")
	body()
	p.op("ADDQ $%d, AX", step)
	p.op("CMPQ AX, R9")
	p.op("JLT loop")
	for n := accs / 2; n > 0; n /= 2 {
		for i := range n {
			p.op("%s %s, %s, %s", add, p.vec(i+n), p.vec(i), p.vec(i))
		}
	}
	if p.reg == "Z" {
		p.op("VEXTRACTF64X4 $1, Z0, Y1")
		p.op("%s Y1, Y0, Y0", add)
	}
	p.op("VEXTRACTF128 $1, Y0, X1")
	p.op("%s X1, X0, X0", add)
	p.op("VPSHUFD $0x4e, X0, X1")
	p.op("%s X1, X0, X0", add)
	p.op("VPSHUFD $0xb1, X0, X1")
	p.op("%s X1, X0, X0", add)
	last()
	p.op("VMOVSS X0, (DI)")
	p.op("ADDQ $4, DI")
	p.op("ADDQ R9, R8")
	p.op("DECQ R10")
	p.op("JNE row")
	p.end()
}
