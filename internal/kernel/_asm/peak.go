package main

import "fmt"

// fused is a multiply-add whose speed is measured.
type fused struct {
	instructions
	name  string
	accs  int // enough for the latency to be hidden
	op    func(f *file, x, y, acc string)
	merge string // adds accumulators
}

func mnemonic(name string) func(f *file, x, y, acc string) {
	return func(f *file, x, y, acc string) { f.op("%s %s, %s, %s", name, x, y, acc) }
}

const peakUnroll = 4

// peaks writes loops that do nothing but multiply and add in registers.
func peaks(f *file) {
	for _, p := range []fused{
		{avx2, "fmaAVX2", 12, mnemonic("VFMADD231PS"), "VADDPS"},
		{avx512, "fmaAVX512", 24, mnemonic("VFMADD231PS"), "VADDPS"},
		{avx512, "dpbf16AVX512", 24, dpbf16, "VADDPS"},
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

// dpbf16 writes VDPBF16PS, which Go's assembler lacks: EVEX.512.F3.0F38.W0 52 /r.
func dpbf16(f *file, x, y, acc string) {
	var rm, v, r byte
	for reg, n := range map[string]*byte{x: &rm, y: &v, acc: &r} {
		fmt.Sscanf(reg, "Z%d", n)
	}
	bit := func(n byte, i int) byte { return ^n >> i & 1 } // EVEX holds complements
	f.op("BYTE $0x62; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x52; BYTE $0x%02x // VDPBF16PS %s, %s, %s",
		bit(r, 3)<<7|bit(rm, 4)<<6|bit(rm, 3)<<5|bit(r, 4)<<4|2, (^v&15)<<3|4|2, 0x40|bit(v, 4)<<3, 0xC0|r&7<<3|rm&7, x, y, acc)
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
