package main

// neonPack writes functions that transpose blocks of 4 x 4 values, or pairs of
// them rounded to bfloat16: rows of src, stride bytes apart, become columns of
// the lines of dst that order names.
func neonPack(f *file) {
	n := neon{f}
	for _, format := range []struct {
		name      string
		size      int
		low, high string // instructions that widen, if any
	}{{"F32", 4, "", ""}, {"F16", 2, "FCVTL.4H", "FCVTL2.8H"}, {"BF16", 2, "SHLL.4H", "SHLL2.8H"}} {
		n.pack("pack"+format.name+"NEON", 4*format.size, func(r int, base string) {
			if format.low == "" {
				n.load(r, base, 0)
				return
			}
			n.op("FMOVD (%s), F%d", base, r)
			n.do(format.low, r, r)
		})
		n.pack("packPairs"+format.name+"BFDOT", 8*format.size, func(r int, base string) {
			const low, high = 4, 5
			n.load(low, base, 0)
			switch format.name {
			case "BF16":
				n.move(r, low)
				return
			case "F32":
				n.load(high, base, 16)
			default:
				n.do(format.high, high, low)
				n.do(format.low, low, low)
			}
			n.do("BFCVTN.4H", r, low)
			n.do("BFCVTN2.8H", r, high)
		})
	}
	n.text("pairLinesBFDOT", "(dst, src unsafe.Pointer, pairs uintptr)", 24)
	n.arguments("dst", "src", "pairs")
	n.loop("pair", "R2", 1, func() {
		for i := range 4 {
			for half := range 2 {
				n.load(half, "R1", 64*half+16*i)
				n.do("BFCVTN.4H", half, half)
			}
			n.do("ZIP1.8H", 0, 0, 1)
			n.store(0, "R0", 16*i)
		}
		n.next(128, "R1")
		n.next(64, "R0")
	})
	n.op("RET")
}

// pack writes one of them, where read loads four lanes of a row, from a number of
// bytes.
func (n neon) pack(name string, bytes int, read func(r int, base string)) {
	const lineShift = 6 // of the bytes of a line of a panel
	n.text(name, packSignature, 40)
	n.arguments("src", "stride", "dst", "order", "blocks")
	n.op("ADD R1, R0, R6")
	n.op("ADD R1, R6, R7")
	n.op("ADD R1, R7, R8")
	rows := []string{"R0", "R6", "R7", "R8"}
	n.loop("block", "R4", 1, func() {
		for r, base := range rows {
			read(r, base)
		}
		n.next(bytes, rows...)
		for i, pair := range [][2]int{{0, 1}, {2, 3}} {
			n.do("TRN1", 4+2*i, pair[0], pair[1])
			n.do("TRN2", 5+2*i, pair[0], pair[1])
		}
		for k, column := range []struct {
			op  string
			low int
		}{{"TRN1.2D", 4}, {"TRN1.2D", 5}, {"TRN2.2D", 4}, {"TRN2.2D", 5}} {
			n.do(column.op, k, column.low, column.low+2)
			n.op("MOVWU.P 4(R3), R5")
			n.op("ADD R5<<%d, R2, R5", lineShift)
			n.store(k, "R5", 0)
		}
	})
	n.op("RET")
}
