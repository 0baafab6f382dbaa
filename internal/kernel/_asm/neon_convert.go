package main

// neonConvert writes conversions of n values, a multiple of 16.
func neonConvert(f *file) {
	n := neon{f}
	n.words("bf16", []uint32{1, 0x7fff, 0x0040 << 16}) // the last in the upper half
	for _, w := range []struct{ name, low, high string }{{"widenF16", "FCVTL.4H", "FCVTL2.8H"}, {"widenBF16", "SHLL.4H", "SHLL2.8H"}} {
		n.convert(w.name, "(dst *float32, src *byte, n int)", func() {
			for i := range 2 {
				n.load(4+i, "R1", 16*i)
				n.do(w.low, 2*i, 4+i)
				n.do(w.high, 2*i+1, 4+i)
			}
			for i := range 4 {
				n.store(i, "R0", 16*i)
			}
			n.next(32, "R1")
			n.next(64, "R0")
		})
	}
	n.convert("narrowF16", "(dst *byte, src *float32, n int)", func() {
		for i := range 2 {
			n.load(0, "R1", 32*i)
			n.load(1, "R1", 32*i+16)
			n.do("FCVTN.4H", 2, 0)
			n.do("FCVTN2.8H", 2, 1)
			n.store(2, "R0", 16*i)
		}
		n.next(64, "R1")
		n.next(32, "R0")
	})
	n.convert("narrowBF16", "(dst *byte, src *float32, n int)", func() {
		for i := range 2 {
			for half := range 2 {
				n.load(half, "R1", 32*i+16*half)
				n.roundBF16(half)
			}
			n.do("UZP2.8H", 0, 0, 1)
			n.store(0, "R0", 16*i)
		}
		n.next(64, "R1")
		n.next(32, "R0")
	})
}

// roundBF16 leaves the bits of the nearest bfloat16 in the upper halves of the
// lanes of V0 or V1, those of a quiet NaN for a NaN. V16 to V18 hold the words
// of bf16.
func (n neon) roundBF16(x int) {
	const one, half, quiet = 16, 17, 18
	n.do("FCMEQ", 2, x, x) // of numbers
	n.do("USHR16", 3, x)
	n.do("AND", 3, 3, one)
	n.do("ADD", 3, 3, half)
	n.do("ADD", 3, 3, x)
	n.do("ORR", x, x, quiet)
	n.do("BIT", x, 3, 2)
}

func (n neon) convert(name, signature string, body func()) {
	n.text(name+"NEON", signature, 24)
	n.arguments("dst", "src", "n")
	if name == "narrowBF16" {
		n.spread("bf16", 3, 16)
	}
	n.loop("loop", "R2", 16, body)
	n.op("RET")
}
