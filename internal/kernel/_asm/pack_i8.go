package main

import "fmt"

// packQuads writes functions that quantise blocks of 16 x 16 values, each row
// times its factor, and transpose them by quads: rows of src, stride bytes
// apart, become columns of 4 lines of dst.
func packQuads(f *file) {
	const rows, lineBytes = 16, 128
	bases := []string{"R8", "R9", "R10", "R11", "R13", "R14"}
	for _, format := range sourceFormats {
		f.text("packQuads"+format.name+"AVX512", "(src unsafe.Pointer, stride uintptr, dst, factors unsafe.Pointer, blocks uintptr)", 40)
		f.op("MOVQ src+0(FP), R8")
		f.op("MOVQ stride+8(FP), R12")
		f.op("MOVQ dst+16(FP), DI")
		f.op("MOVQ factors+24(FP), SI")
		f.op("MOVQ blocks+32(FP), BX")
		f.op("LEAQ (R12)(R12*2), CX")
		for i := 1; i < len(bases); i++ {
			f.op("LEAQ (%s)(CX*1), %s", bases[i-1], bases[i])
		}
		f.label("block")
		for r := range rows {
			loadAsF32(f, format.name, fmt.Sprintf("(%s)%s", bases[r/3], []string{"", "(R12*1)", "(R12*2)"}[r%3]), fmt.Sprint("Z", r))
			f.op("VMULPS.BCST %d(SI), Z%[2]d, Z%[2]d", 4*r, r)
			f.op("VCVTPS2DQ Z%[1]d, Z%[1]d", r)
			f.op("VPMOVSDB Z%[1]d, X%[1]d", r)
		}
		for _, b := range bases {
			f.op("ADDQ $%d, %s", rows*format.size, b)
		}
		for r := range 4 { // lane l of Z(r) becomes row 4l+r
			for l := 1; l < 4; l++ {
				f.op("VINSERTI32X4 $%d, X%d, Z%[3]d, Z%[3]d", l, 4*l+r, r)
			}
		}
		for _, pair := range [][2]int{{0, 1}, {2, 3}} {
			f.op("VUNPCKLPS Z%d, Z%d, Z%d", pair[1], pair[0], 16+pair[0])
			f.op("VUNPCKHPS Z%d, Z%d, Z%d", pair[1], pair[0], 16+pair[1])
		}
		for line, from := range []struct {
			op  string
			low int
		}{{"VUNPCKLPD", 16}, {"VUNPCKHPD", 16}, {"VUNPCKLPD", 17}, {"VUNPCKHPD", 17}} {
			f.op("%s Z%d, Z%d, Z0", from.op, from.low+2, from.low)
			f.op("VMOVUPS Z0, %d(DI)", line*lineBytes)
		}
		f.op("ADDQ $%d, DI", 4*lineBytes)
		f.op("DECQ BX")
		f.op("JNE block")
		f.op("VZEROUPPER")
		f.op("RET")
	}
}
