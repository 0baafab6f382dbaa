package main

import "fmt"

const packSignature = "(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)"

// sourceFormats are the formats of weights, by the bytes of a value.
var sourceFormats = []struct {
	name string
	size int
}{{"F32", 4}, {"F16", 2}, {"BF16", 2}}

// loadAsF32 loads a vector of a format as float32.
func loadAsF32(f *file, format, address, reg string) {
	switch format {
	case "F32":
		f.op("VMOVUPS %s, %s", address, reg)
	case "F16":
		f.op("VCVTPH2PS %s, %s", address, reg)
	case "BF16":
		f.op("VPMOVZXWD %s, %s", address, reg)
		f.op("VPSLLD $16, %s, %s", reg, reg)
	}
}

// packing is what a lane of a panel is made of.
type packing struct {
	name   string
	values int // adjacent values in a lane
	load   func(f *file, format string, size int, address func(offset int) string, row int)
}

// packRows writes a function that transposes blocks of n x n lanes: n rows of
// src, stride bytes apart, become columns of the lines of dst that order names.
func packRows(f *file, in instructions, n int, p packing, transpose func(f *file, store func(column int, reg string))) {
	bases := []string{"R8", "R9", "R10", "R11", "R13", "R14"}[:(n+2)/3]
	shift := map[int]int{64: 6, 128: 7}[in.line()]
	for _, format := range sourceFormats {
		f.text("pack"+p.name+format.name+in.name, packSignature, 40)
		f.op("MOVQ src+0(FP), R8")
		f.op("MOVQ stride+8(FP), R12")
		f.op("MOVQ dst+16(FP), DI")
		f.op("MOVQ order+24(FP), SI")
		f.op("MOVQ blocks+32(FP), BX")
		f.op("LEAQ (R12)(R12*2), CX")
		for i := 1; i < len(bases); i++ {
			f.op("LEAQ (%s)(CX*1), %s", bases[i-1], bases[i])
		}
		f.label("block")
		for r := range n {
			p.load(f, format.name, format.size, func(offset int) string {
				return fmt.Sprintf("%d(%s)%s", offset, bases[r/3], []string{"", "(R12*1)", "(R12*2)"}[r%3])
			}, r)
		}
		transpose(f, func(column int, reg string) {
			f.op("MOVL %d(SI), CX", 4*column)
			f.op("SHLQ $%d, CX", shift)
			f.op("VMOVUPS %s, (DI)(CX*1)", reg)
		})
		for _, b := range bases {
			f.op("ADDQ $%d, %s", n*p.values*format.size, b)
		}
		f.op("ADDQ $%d, SI", 4*n)
		f.op("DECQ BX")
		f.op("JNE block")
		f.op("VZEROUPPER")
		f.op("RET")
	}
}

// floats is the packing that widens to float32.
func (in instructions) floats() packing {
	return packing{"", 1, func(f *file, format string, _ int, address func(int) string, row int) {
		loadAsF32(f, format, address(0), fmt.Sprint(in.reg, row))
	}}
}

func packAVX512(f *file) { packRows(f, avx512, 16, avx512.floats(), transpose16) }

// transpose16 transposes 16 x 16 lanes in Z0 to Z15, by way of Z16 to Z31.
func transpose16(f *file, store func(column int, reg string)) {
	for i := range 8 {
		f.op("VUNPCKLPS Z%d, Z%d, Z%d", 2*i+1, 2*i, 16+2*i)
		f.op("VUNPCKHPS Z%d, Z%d, Z%d", 2*i+1, 2*i, 17+2*i)
	}
	for q := range 4 { // lane l of Z(4q+c) becomes column 4l+c of rows 4q to 4q+3
		a := 16 + 4*q
		f.op("VUNPCKLPD Z%d, Z%d, Z%d", a+2, a, 4*q)
		f.op("VUNPCKHPD Z%d, Z%d, Z%d", a+2, a, 4*q+1)
		f.op("VUNPCKLPD Z%d, Z%d, Z%d", a+3, a+1, 4*q+2)
		f.op("VUNPCKHPD Z%d, Z%d, Z%d", a+3, a+1, 4*q+3)
	}
	const even, odd = "$0x88", "$0xdd" // lanes of both sources
	for c := range 4 {
		f.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", even, 4+c, c, 16+c)
		f.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", odd, 4+c, c, 20+c)
		f.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", even, 12+c, 8+c, 24+c)
		f.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", odd, 12+c, 8+c, 28+c)
	}
	for c := range 4 {
		for _, lane := range []struct {
			column, source int
			which          string
		}{{c, 16 + c, even}, {4 + c, 20 + c, even}, {8 + c, 16 + c, odd}, {12 + c, 20 + c, odd}} {
			f.op("VSHUFF32X4 %s, Z%d, Z%d, Z0", lane.which, lane.source+8, lane.source)
			store(lane.column, "Z0")
		}
	}
}

// packAVX2 transposes 8 x 8 values in Y0 to Y7, by way of Y8 to Y15.
func packAVX2(f *file) {
	packRows(f, avx2, 8, avx2.floats(), func(f *file, store func(column int, reg string)) {
		for i := range 4 {
			f.op("VUNPCKLPS Y%d, Y%d, Y%d", 2*i+1, 2*i, 8+2*i)
			f.op("VUNPCKHPS Y%d, Y%d, Y%d", 2*i+1, 2*i, 9+2*i)
		}
		for q := range 2 { // lane l of Y(4q+c) becomes column 4l+c of rows 4q to 4q+3
			a := 8 + 4*q
			f.op("VUNPCKLPD Y%d, Y%d, Y%d", a+2, a, 4*q)
			f.op("VUNPCKHPD Y%d, Y%d, Y%d", a+2, a, 4*q+1)
			f.op("VUNPCKLPD Y%d, Y%d, Y%d", a+3, a+1, 4*q+2)
			f.op("VUNPCKHPD Y%d, Y%d, Y%d", a+3, a+1, 4*q+3)
		}
		for c := range 4 {
			f.op("VPERM2F128 $0x20, Y%d, Y%d, Y8", 4+c, c)
			store(c, "Y8")
			f.op("VPERM2F128 $0x31, Y%d, Y%d, Y9", 4+c, c)
			store(4+c, "Y9")
		}
	})
}
