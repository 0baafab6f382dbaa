package main

import "fmt"

// fused is a multiply-add whose speed is measured.
type fused struct {
	instructions
	name  string
	accs  int // enough for the latency to be hidden
	op    multiplyAdd
	merge string // adds accumulators
}

const peakUnroll = 4

// peaks writes loops that do nothing but multiply and add in registers.
func peaks(f *file) {
	for _, p := range []fused{
		{avx2, "fmaAVX2", 12, mnemonic("VFMADD231PS"), "VADDPS"},
		{avx512, "fmaAVX512", 24, mnemonic("VFMADD231PS"), "VADDPS"},
		{avx512, "dpbf16AVX512", 24, dpbf16, "VADDPS"},
		{avx2, "dpbusdAVX2", 12, dpbusd, "VPADDD"},
		{avx512, "dpbusdAVX512", 24, mnemonic("VPDPBUSD"), "VPADDD"},
	} {
		p.write(f)
	}
}

func (p fused) write(f *file) {
	f.text(p.name, "(x, y uint32, n int, out *[16]uint32)", 24)
	x, y := fmt.Sprint(p.reg, p.accs), fmt.Sprint(p.reg, p.accs+1)
	for i, name := range []string{"x", "y"} {
		f.op("MOVL %s+%d(FP), AX", name, 4*i)
		f.op("VMOVD AX, X%d", p.accs+i)
		f.op("VPBROADCASTD X%d, %s%d", p.accs+i, p.reg, p.accs+i)
	}
	f.op("MOVQ n+8(FP), CX")
	f.op("MOVQ out+16(FP), DI")
	for i := range p.accs {
		a := fmt.Sprint(p.reg, i)
		if p.reg == "Z" {
			f.op("VPXORD %s, %s, %s", a, a, a)
		} else {
			f.op("VPXOR %s, %s, %s", a, a, a)
		}
	}
	f.op("PCALIGN $64")
	f.label("loop")
	for range peakUnroll {
		for i := range p.accs {
			p.op(f, x, y, fmt.Sprint(p.reg, i))
		}
	}
	f.op("DECQ CX")
	f.op("JNZ loop")
	for i := 1; i < p.accs; i++ {
		f.op("%s %s%d, %s0, %s0", p.merge, p.reg, i, p.reg, p.reg)
	}
	f.op("VMOVDQU%s %s0, (DI)", map[string]string{"Y": "", "Z": "32"}[p.reg], p.reg)
	f.op("VZEROUPPER")
	f.op("RET")
}

// peakNEON writes the loop for arm64, where every processor has NEON.
func peakNEON(f *file) {
	const accs = 24
	f.text("fmaNEON", "(x, y uint32, n int, out *[16]uint32)", 24)
	for i, name := range []string{"x", "y"} {
		f.op("MOVWU %s+%d(FP), R0", name, 4*i)
		f.op("VDUP R0, V%d.S4", accs+i)
	}
	f.op("MOVD n+8(FP), R1")
	f.op("MOVD out+16(FP), R2")
	for i := range accs {
		f.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	f.op("PCALIGN $64")
	f.label("loop")
	for range peakUnroll {
		for i := range accs {
			f.op("VFMLA V%d.S4, V%d.S4, V%d.S4", accs, accs+1, i)
		}
	}
	f.op("SUBS $1, R1, R1")
	f.op("BNE loop")
	// There is no VFADD of vectors in Go's assembler: a product with ones adds.
	for i := 1; i < accs; i++ {
		f.op("VFMLA V%d.S4, V%d.S4, V0.S4", i, accs)
	}
	f.op("VST1 [V0.B16], (R2)")
	f.op("RET")
}
