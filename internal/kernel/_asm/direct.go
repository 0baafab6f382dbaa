package main

import "fmt"

// directRows is the most rows of A that the kernel for few of them takes. Their
// sums and a block of 16 x 16 weights, transposed in place, are all registers.
const directRows = 8

// The general registers of the kernel for few rows, beside rowBases for the rows
// of A, with their stride. CX is for everything short-lived.
var (
	weightBases  = []string{"BX", "DI", "SI", "R13", "R14", "R15"} // rows 0, 3, 6 and so on of the weight
	weightStride = "DX"
	blocksLeft   = "AX"
)

// directAVX512 writes the kernel for few rows of A: it multiplies with 16 rows of the
// weight as they lie in memory.
func directAVX512(f *file) {
	f.text("directAVX512", "(s *strip)", 8)
	f.op("MOVQ s+0(FP), AX")
	f.op("MOVQ strip_Rows(AX), CX")
	for rows := directRows; rows > 1; rows-- {
		f.op("CMPQ CX, $%d", rows)
		f.op("JEQ rows%d", rows)
	}
	for rows := 1; rows <= directRows; rows++ {
		f.label("rows%d", rows)
		directFor{f, rows, fmt.Sprintf("rows%d_", rows)}.write()
	}
}

// directFor writes the variant for one number of rows.
type directFor struct {
	*file
	rows   int
	prefix string // of labels
}

func (d directFor) mark(label string) { d.label("%s", d.prefix+label) }

func (d directFor) jump(op, label string) { d.op("%s %s", op, d.prefix+label) }

// sum is the register with the sums of a row.
func (d directFor) sum(row int) string { return fmt.Sprint("Z", 17+row) }

// bases points registers to every third row of an operand.
func (d directFor) bases(regs []string, operand, field, stride string) {
	d.op("MOVQ strip_%s(AX), %s", operand, regs[0])
	d.op("MOVQ strip_%s(AX), %s", field, stride)
	d.op("LEAQ (%s)(%s*2), CX", stride, stride)
	for i := 1; i < len(regs); i++ {
		d.op("LEAQ (%s)(CX*1), %s", regs[i-1], regs[i])
	}
}

func (d directFor) write() {
	d.start()
	d.bases(weightBases, "W", "LDW", weightStride)
	d.bases(rowBases[:(d.rows+2)/3], "A", "LDA", stride)
	d.op("MOVQ strip_Blocks(AX), %s", blocksLeft)
	d.mark("block")
	d.op("MOVQ s+0(FP), CX")
	d.op("MOVQ strip_Format(CX), CX")
	for i, format := range sourceFormats[1:] {
		d.op("CMPQ CX, $%d", i+1)
		d.jump("JEQ", format.name)
	}
	for i, format := range sourceFormats {
		d.mark(format.name)
		for r := range 16 {
			scaled := []string{"", "(" + weightStride + "*1)", "(" + weightStride + "*2)"}[r%3]
			loadAsF32(d.file, format.name, fmt.Sprintf("(%s)%s", weightBases[r/3], scaled), fmt.Sprint("Z", r))
		}
		for _, b := range weightBases {
			d.op("ADDQ $%d, %s", 16*format.size, b)
		}
		if i < len(sourceFormats)-1 {
			d.jump("JMP", "loaded")
		}
	}
	d.mark("loaded")
	for k, column := range transposeInPlace(d.file) {
		for r := range d.rows {
			d.op("VFMADD231PS.BCST %s, Z%d, %s", rowOfA(r, 4*k), column, d.sum(r))
		}
	}
	for _, b := range rowBases[:(d.rows+2)/3] {
		d.op("ADDQ $%d, %s", 4*16, b)
	}
	d.op("DECQ %s", blocksLeft)
	d.jump("JNE", "block")
	d.finish()
}

// start sets the sums to the bias, or to 0 if there is none.
func (d directFor) start() {
	d.op("MOVQ strip_Bias(AX), CX")
	d.op("VPXORD Z17, Z17, Z17")
	d.op("TESTQ CX, CX")
	d.jump("JEQ", "spread")
	d.op("VMOVUPS (CX), Z17")
	d.mark("spread")
	for r := 1; r < d.rows; r++ {
		d.op("VMOVAPS Z17, %s", d.sum(r))
	}
}

// finish adds Add, if there is one, and stores the sums.
func (d directFor) finish() {
	d.op("MOVQ s+0(FP), AX")
	d.op("MOVQ strip_Add(AX), CX")
	d.op("TESTQ CX, CX")
	d.jump("JEQ", "store")
	d.op("MOVQ strip_LDAdd(AX), DX")
	for r := range d.rows {
		d.op("VADDPS (CX), %s, %s", d.sum(r), d.sum(r))
		d.op("ADDQ DX, CX")
	}
	d.mark("store")
	d.op("MOVQ strip_C(AX), CX")
	d.op("MOVQ strip_LDC(AX), DX")
	for r := range d.rows {
		d.op("VMOVUPS %s, (CX)", d.sum(r))
		d.op("ADDQ DX, CX")
	}
	d.op("VZEROUPPER")
	d.op("RET")
}

// transposeInPlace transposes 16 x 16 lanes in Z0 to Z15 with Z16 as the only
// other register, and returns the registers of the columns.
func transposeInPlace(f *file) [16]int {
	var at [16]int
	for i := range at {
		at[i] = i
	}
	spare := 16
	// pair replaces what is at a and b by what two instructions make of both.
	pair := func(low, high string, a, b int) {
		f.op("%s Z%d, Z%d, Z%d", low, at[b], at[a], spare)
		f.op("%s Z%d, Z%d, Z%d", high, at[b], at[a], at[a])
		at[a], at[b], spare = spare, at[a], at[b]
	}
	for i := range 8 {
		pair("VUNPCKLPS", "VUNPCKHPS", 2*i, 2*i+1)
	}
	for q := range 4 {
		pair("VUNPCKLPD", "VUNPCKHPD", 4*q, 4*q+2)
		pair("VUNPCKLPD", "VUNPCKHPD", 4*q+1, 4*q+3)
	}
	// Place 4q+i holds, of rows 4q to 4q+3, columns 4l+c in lane l; c is 0, 2, 1, 3.
	const even, odd = "VSHUFF32X4 $0x88,", "VSHUFF32X4 $0xdd,"
	for i := range 4 {
		pair(even, odd, i, 4+i)
		pair(even, odd, 8+i, 12+i)
	}
	for i := range 4 {
		pair(even, odd, i, 8+i)
		pair(even, odd, 4+i, 12+i)
	}
	var columns [16]int
	for i, c := range [4]int{0, 2, 1, 3} {
		for q := range 4 {
			columns[4*q+c] = at[4*q+i]
		}
	}
	return columns
}
