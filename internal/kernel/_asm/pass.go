package main

import "fmt"

// The general registers of a pass. Operands lie AX bytes after their bases.
var bases = []string{"DI", "SI", "DX", "R8"}

const (
	at     = "AX"
	left   = "CX" // values left, less a vector in the loop
	length = "R9" // of a row
	rows   = "R10"
)

// pass is a function that goes through arrays a vector at a time. The values
// left over in the end are a vector under a mask: K1 or Y15.
type pass struct {
	*file
	instructions
	masked bool
}

func (p *pass) lanes() int { return p.width / 4 }

func (p *pass) vec(i int) string { return fmt.Sprint(p.reg, i) }

// passData declares what the passes of a file share.
func passData(f *file, in instructions) {
	if in.reg == "Y" {
		f.words("masks", onesAndZeros(8))
	}
}

// onesAndZeros returns n words of ones and n words of zeros: n words of it
// from n-k on are a mask of k lanes.
func onesAndZeros(n int) []uint32 {
	words := make([]uint32, 2*n)
	for i := range n {
		words[i] = 0xffffffff
	}
	return words
}

// arguments loads pointers into the bases, and what follows into the given registers.
func (p *pass) arguments(pointers []string, more ...string) {
	for i, name := range pointers {
		p.op("MOVQ %s+%d(FP), %s", name, 8*i, bases[i])
	}
	for i := 0; i < len(more); i += 2 {
		p.op("MOVQ %s+%d(FP), %s", more[i], 8*len(pointers)+4*i, more[i+1])
	}
}

// setMask makes the mask of the values left over in a row.
func (p *pass) setMask() {
	p.op("MOVQ %s, CX", length)
	p.op("ANDQ $%d, CX", p.lanes()-1)
	if p.reg == "Z" {
		p.op("MOVL $1, BX")
		p.op("SHLL CX, BX")
		p.op("DECL BX")
		p.op("KMOVW BX, K1")
		return
	}
	p.op("LEAQ masks<>+%d(SB), BX", p.width)
	p.op("SHLQ $2, CX")
	p.op("SUBQ CX, BX")
	p.op("VMOVUPS (BX), Y15")
}

// row goes through a row. body handles a vector.
func (p *pass) row(body func()) {
	p.op("XORL %s, %s", at, at)
	p.op("MOVQ %s, %s", length, left)
	p.op("SUBQ $%d, %s", p.lanes(), left)
	p.op("JLT rest")
	p.op("PCALIGN $32")
	p.label("loop")
	body()
	p.op("ADDQ $%d, %s", p.width, at)
	p.op("SUBQ $%d, %s", p.lanes(), left)
	p.op("JGE loop")
	p.label("rest")
	p.op("ADDQ $%d, %s", p.lanes(), left)
	p.op("JEQ done")
	p.masked = true
	body()
	p.masked = false
	p.label("done")
}

func (p *pass) end() {
	p.op("VZEROUPPER")
	p.op("RET")
}

func (p *pass) load(base, reg string) {
	switch {
	case !p.masked:
		p.op("VMOVUPS (%s)(%s*1), %s", base, at, reg)
	case p.reg == "Z":
		p.op("VMOVUPS.Z (%s)(%s*1), K1, %s", base, at, reg)
	default:
		p.op("VMASKMOVPS (%s)(%s*1), Y15, %s", base, at, reg)
	}
}

func (p *pass) store(reg, base string) {
	switch {
	case !p.masked:
		p.op("VMOVUPS %s, (%s)(%s*1)", reg, base, at)
	case p.reg == "Z":
		p.op("VMOVUPS %s, K1, (%s)(%s*1)", reg, base, at)
	default:
		p.op("VMASKMOVPS %s, Y15, (%s)(%s*1)", reg, base, at)
	}
}
