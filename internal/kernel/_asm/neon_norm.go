package main

// neonNormalise writes what the normalisations are made of, for rows of a
// multiple of 4 values.
func neonNormalise(f *file) {
	n := neon{f}
	n.gateData()
	n.moments()
	n.columns()
	n.normaliseRow()
	n.apply("applyNEON", nil)
	n.apply("applySiLUNEON", func() {
		n.move(0, 5)
		n.gate()
	})
}

// widen loads 16 values as float64, in V16 to V23.
func (n neon) widen(base string) {
	for i := range 4 {
		n.load(24+i, base, 16*i)
		n.do("FCVTL.2S", 16+2*i, 24+i)
		n.do("FCVTL2.4S", 17+2*i, 24+i)
	}
}

// moments writes the float64 sums of x-shift and its square over n values, a
// multiple of 16.
func (n neon) moments() {
	const shift, squares, sums = 28, 8, 8
	n.text("momentsNEON", "(x *float32, n int, shift float64) (sum, sq float64)", 40)
	n.arguments("x", "n", "shift")
	n.op("VDUP R2, V%d.D2", shift)
	for i := range sums + squares {
		n.zero(i)
	}
	n.loop("loop", "R1", 16, func() {
		n.widen("R0")
		for i := range sums {
			n.do("FSUB.2D", 16+i, 16+i, shift)
			n.do("FADD.2D", i, i, 16+i)
			n.do("FMLA.2D", squares+i, 16+i, 16+i)
		}
		n.next(64, "R0")
	})
	for i, result := range []string{"sum+24(FP)", "sq+32(FP)"} {
		first := squares * i
		for half := sums / 2; half > 0; half /= 2 {
			for j := range half {
				n.do("FADD.2D", first+j, first+j, first+j+half)
			}
		}
		n.do("FADDP.2D", first, first)
		n.op("FMOVD F%d, %s", first, result)
	}
	n.op("RET")
}

// columns writes the float64 sums and sums of squares of 16 columns of rows that
// are c values apart.
func (n neon) columns() {
	const squares, sums = 8, 8
	n.text("columnsNEON", "(sum, sq *float64, x *float32, rows, c int)", 40)
	n.arguments("sum", "sq", "x", "rows", "c")
	n.op("LSL $2, R4")
	for i := range sums + squares {
		n.zero(i)
	}
	n.loop("loop", "R3", 1, func() {
		n.widen("R2")
		for i := range sums {
			n.do("FADD.2D", i, i, 16+i)
			n.do("FMLA.2D", squares+i, 16+i, 16+i)
		}
		n.op("ADD R4, R2")
	})
	for i := range sums {
		n.store(i, "R0", 16*i)
		n.store(squares+i, "R1", 16*i)
	}
	n.op("RET")
}

// normaliseRow writes dst[i] = (x[i]-mean)*inv*scale[i] + shift[i].
func (n neon) normaliseRow() {
	const mean, inv = 28, 29
	n.text("normaliseNEON", "(dst, x, scale, shift *float32, n int, mean, inv float32)", 48)
	n.arguments("dst", "x", "scale", "shift", "n")
	for i, name := range []string{"mean", "inv"} {
		n.op("MOVWU %s+%d(FP), R5", name, 40+4*i)
		n.op("VDUP R5, V%d.S4", mean+i)
	}
	n.loop("loop", "R4", 4, func() {
		for i, base := range []string{"R1", "R2", "R3"} {
			n.load(i, base, 0)
		}
		n.do("FSUB", 0, 0, mean)
		n.do("FMUL", 0, 0, inv)
		n.do("FMLA", 2, 0, 1)
		n.store(2, "R0", 0)
		n.next(16, "R0", "R1", "R2", "R3")
	})
	n.op("RET")
}

// apply writes x*mul + add for rows of c values; gate turns V5 to V0.
func (n neon) apply(name string, gate func()) {
	n.text(name, "(dst, x, mul, add *float32, rows, c int)", 48)
	n.arguments("dst", "x", "mul", "add", "rows", "c")
	if gate != nil {
		n.gateSetup()
	}
	n.loop("row", "R4", 1, func() {
		n.op("MOVD R2, R6")
		n.op("MOVD R3, R7")
		n.op("MOVD R5, R8")
		n.loop("loop", "R8", 4, func() {
			n.load(0, "R1", 0)
			n.load(1, "R6", 0)
			n.load(5, "R7", 0)
			n.do("FMLA", 5, 0, 1)
			if gate != nil {
				gate()
				n.store(0, "R0", 0)
			} else {
				n.store(5, "R0", 0)
			}
			n.next(16, "R0", "R1", "R6", "R7")
		})
	})
	n.op("RET")
}
