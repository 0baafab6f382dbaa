package main

// neonWinograd writes the three transforms; see instructions.winograd.
func neonWinograd(f *file) {
	transformConstants(f)
	for _, t := range []transform{inputTransform, filterTransform, outputTransform} {
		neonTransform{neon{f}, t}.write()
	}
}

type neonTransform struct {
	neon
	transform
}

func (t neonTransform) constant(name string) int {
	for i, c := range t.constants {
		if c == name {
			return 31 - i
		}
	}
	panic(name)
}

func (t neonTransform) write() {
	const vector = 16 // bytes
	n := t.neon
	n.text(t.name+"NEON", "(t *planes)", 8)
	n.op("MOVD t+0(FP), R0")
	for i, field := range []string{"Src", "SrcRow", "SrcCol", "Dst", "DstRow", "DstCol", "Middle", "N", "Bias"} {
		n.op("MOVD planes_%s(R0), R%d", field, 1+i)
	}
	n.op("MOVD $constants<>(SB), R10")
	for _, c := range t.constants {
		n.op("ADD $%d, R10, R11", constantAt(c))
		n.op("VLD1R (R11), [V%d.S4]", t.constant(c))
	}
	middle := func(row, column int) int { return (row*t.from + column) * vector }
	n.loop("loop", "R8", vector/4, func() {
		n.op("MOVD R1, R10")
		for column := range t.from {
			n.op("MOVD R10, R11")
			for i := range t.from {
				n.load(i, "R11", 0)
				n.op("ADD R2, R11")
			}
			for row, v := range t.line(t) {
				n.store(v, "R7", middle(row, column))
			}
			n.op("ADD R3, R10")
		}
		if t.bias {
			n.load(20, "R9", 0)
			n.next(vector, "R9")
		}
		n.op("MOVD R4, R10")
		for row := range t.to {
			for i := range t.from {
				n.load(i, "R7", middle(row, i))
			}
			n.op("MOVD R10, R11")
			for _, v := range t.line(t) {
				if t.bias {
					n.do("FADD", v, v, 20)
				}
				n.store(v, "R11", 0)
				n.op("ADD R6, R11")
			}
			n.op("ADD R5, R10")
		}
		n.next(vector, "R1", "R4")
	})
	n.op("RET")
}

func (t neonTransform) move(x, dst int)            { t.neon.move(dst, x) }
func (t neonTransform) add(x, y, dst int)          { t.do("FADD", dst, x, y) }
func (t neonTransform) sub(x, y, dst int)          { t.do("FSUB", dst, x, y) }
func (t neonTransform) scale(c string, x, dst int) { t.do("FMUL", dst, x, t.constant(c)) }
func (t neonTransform) more(c string, x, dst int)  { t.do("FMLA", dst, x, t.constant(c)) }
func (t neonTransform) less(c string, x, dst int)  { t.do("FMLS", dst, x, t.constant(c)) }
