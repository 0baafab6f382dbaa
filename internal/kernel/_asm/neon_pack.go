package main

// neonPack writes functions that transpose blocks of 4 x 4 values: rows of src,
// stride bytes apart, become columns of the lines of dst that order names.
func neonPack(f *file) {
	const lineShift = 6 // of the bytes of a line of a panel
	n := neon{f}
	for _, format := range []struct {
		name  string
		size  int
		widen string
	}{{"F32", 4, ""}, {"F16", 2, "FCVTL.4H"}, {"BF16", 2, "SHLL.4H"}} {
		n.text("pack"+format.name+"NEON", packSignature, 40)
		n.arguments("src", "stride", "dst", "order", "blocks")
		for r := 1; r < 4; r++ {
			n.op("ADD R1, R%d, R%d", []int{0, 0, 6, 7}[r], 5+r)
		}
		rows := []string{"R0", "R6", "R7", "R8"}
		n.loop("block", "R4", 1, func() {
			for r, base := range rows {
				if format.widen == "" {
					n.load(r, base, 0)
				} else {
					n.op("FMOVD (%s), F%d", base, r)
					n.do(format.widen, r, r)
				}
			}
			n.next(4*format.size, rows...)
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
}
