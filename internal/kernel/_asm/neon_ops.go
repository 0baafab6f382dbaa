package main

import "fmt"

// neonWords are the instructions on vectors that Go's assembler for arm64 lacks,
// with all registers 0: on four float32, unless the name says otherwise.
var neonWords = map[string]uint32{
	"FADD": 0x4e20d400, "FSUB": 0x4ea0d400, "FMUL": 0x6e20dc00, "FDIV": 0x6e20fc00, "FMLA": 0x4e20cc00, "FMLS": 0x4ea0cc00,
	"FMAX": 0x4e20f400, "FMIN": 0x4ea0f400, "FMAXNM": 0x4e20c400, "FMAXNMV": 0x6e30c800,
	"FABS": 0x4ea0f800, "FNEG": 0x6ea0f800, "FRINTM": 0x4e219800, "FRINTN": 0x4e218800, "FCVTNS": 0x4e21a800,
	"FCMGT": 0x6ea0e400, "FCMEQ": 0x4e20e400, "CMLT0": 0x4ea0a800,
	"ADD": 0x4ea08400, "BIC": 0x4e601c00, "BIT": 0x6ea01c00, "AND": 0x4e201c00, "ORR": 0x4ea01c00,
	"SHL23": 0x4f375400, "USHR16": 0x6f300400,
	"TRN1": 0x4e802800, "TRN2": 0x4e806800, "TRN1.2D": 0x4ec02800, "TRN2.2D": 0x4ec06800, "UZP2.8H": 0x4e405800,
	"ZIP1.8H": 0x4e403800, "BFDOT": 0x6e40fc00, "BFCVTN.4H": 0x0ea16800, "BFCVTN2.8H": 0x4ea16800,
	"FADD.2D": 0x4e60d400, "FSUB.2D": 0x4ee0d400, "FMLA.2D": 0x4e60cc00, "FADDP.2D": 0x7e70d800,
	"FCVTL.4H": 0x0e217800, "FCVTL2.8H": 0x4e217800, "FCVTN.4H": 0x0e216800, "FCVTN2.8H": 0x4e216800,
	"FCVTL.2S": 0x0e617800, "FCVTL2.4S": 0x4e617800, "SHLL.4H": 0x2e613800, "SHLL2.8H": 0x6e613800,
}

// neon writes functions for arm64.
type neon struct{ *file }

// do writes an instruction of vector registers by their numbers, the
// destination first.
func (n neon) do(name string, dst int, from ...int) {
	word, ok := neonWords[name]
	if !ok {
		panic(name)
	}
	text := fmt.Sprintf("%s V%d", name, dst)
	for i, r := range from {
		word |= uint32(r) << (5 + 11*i)
		text += fmt.Sprintf(", V%d", r)
	}
	n.op("WORD $0x%08x // %s", word|uint32(dst), text)
}

func (n neon) move(dst, src int) { n.do("ORR", dst, src, src) }

func (n neon) zero(dst int) { n.op("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", dst) }

// load and store move a vector, 16 bytes; next then moves the address on.
func (n neon) load(v int, base string, offset int) { n.op("FMOVQ %d(%s), F%d", offset, base, v) }

func (n neon) store(v int, base string, offset int) { n.op("FMOVQ F%d, %d(%s)", v, offset, base) }

func (n neon) next(bytes int, bases ...string) {
	for _, b := range bases {
		n.op("ADD $%d, %s", bytes, b)
	}
}

// arguments loads them into registers from R0 on, 8 bytes each.
func (n neon) arguments(names ...string) {
	for i, name := range names {
		n.op("MOVD %s+%d(FP), R%d", name, 8*i, i)
	}
}

// spread loads the words of a table into all lanes of registers from first on.
func (n neon) spread(table string, count, first int) {
	n.op("MOVD $%s<>(SB), R15", table)
	for i := range count {
		n.op("VLD1R.P 4(R15), [V%d.S4]", first+i)
	}
}

// loop writes a loop that ends when a register has come down to 0, by so much a turn.
func (n neon) loop(label, register string, by int, body func()) {
	n.label("%s", label)
	body()
	n.op("SUBS $%[1]d, %[2]s, %[2]s", by, register)
	n.op("BGT %s", label)
}

// horner sets dst or other, which it returns, to the polynomial of x whose
// coefficients, from the highest on, are in the given registers.
func (n neon) horner(dst, other, x int, coefficients []int) int {
	n.move(dst, coefficients[0])
	for _, c := range coefficients[1:] {
		n.move(other, c)
		n.do("FMLA", other, dst, x)
		dst, other = other, dst
	}
	return dst
}

func registers(first, count int) []int {
	r := make([]int, count)
	for i := range r {
		r[i] = first + i
	}
	return r
}
