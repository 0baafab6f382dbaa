package main

import "fmt"

// The tile of arm64 in registers: neonRows rows of four vectors.
const (
	neonRows  = 6
	neonFirst = 8 // register of the first sum
)

// neonTiles writes the sums of micro-kernels for arm64, in float32 and, where the
// processor has dot products, of 8-bit integers and of pairs of bfloat16.
func neonTiles(f *file) {
	neonSums(f, "sumsNEON", func(x, acc int, b int) { f.op("VFMLA V%d.S4, V%d.S4, V%d.S4", x, b, acc) }, false)
	neonSums(f, "sumsSDOT", func(x, acc int, b int) {
		f.op("WORD $0x%08x // SDOT V%d.16B, V%d.16B, V%d.4S", 0x4E809400|x<<16|b<<5|acc, x, b, acc)
	}, true)
	neonSums(f, "sumsBFDOT", func(x, acc int, b int) { neon{f}.do("BFDOT", acc, b, x) }, false)
}

// neonSums writes a function that adds products of some rows of A and lines of a
// panel to sums. Values of A that are bytes have 128 added, which is undone.
func neonSums(f *file, name string, multiply func(x, acc, b int), bytes bool) {
	const signs = 5
	f.text(name, "(sums, a unsafe.Pointer, lda uintptr, b unsafe.Pointer, steps, rows uintptr)", 48)
	for i, arg := range []string{"sums", "a", "lda", "b", "steps", "rows"} {
		f.op("MOVD %s+%d(FP), R%d", arg, 8*i, i)
	}
	if bytes {
		f.op("VMOVI $0x80, V%d.B16", signs)
	}
	for rows := neonRows; rows > 1; rows-- {
		f.op("CMP $%d, R5", rows)
		f.op("BEQ rows%d", rows)
	}
	for rows := 1; rows <= neonRows; rows++ {
		f.label("rows%d", rows)
		f.op("MOVD R1, R8")
		f.op("MOVD R0, R6")
		for r := range rows {
			if r > 0 {
				f.op("ADD R2, R%d, R%d", 7+r, 8+r)
			}
			f.op("VLD1.P 64(R6), %s", neonRow(r))
		}
		f.op("CBZ R4, rows%d_done", rows)
		f.label("rows%d_step", rows)
		f.op("VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]")
		for r := range rows {
			const x = 4
			f.op("VLD1R.P 4(R%d), [V%d.S4]", 8+r, x)
			if bytes {
				f.op("VEOR V%d.B16, V%d.B16, V%d.B16", signs, x, x)
			}
			for i := range 4 {
				multiply(x, neonFirst+4*r+i, i)
			}
		}
		f.op("SUBS $1, R4, R4")
		f.op("BNE rows%d_step", rows)
		f.label("rows%d_done", rows)
		f.op("MOVD R0, R6")
		for r := range rows {
			f.op("VST1.P %s, 64(R6)", neonRow(r))
		}
		f.op("RET")
	}
}

// neonRow lists the registers of a row's sums.
func neonRow(r int) string {
	v := neonFirst + 4*r
	return fmt.Sprintf("[V%d.S4, V%d.S4, V%d.S4, V%d.S4]", v, v+1, v+2, v+3)
}
