package main

// The registers of passes through arrays on arm64: the vectors that hold
// constants. Passes use V0 to V6 for the rest.
const (
	neonExp     = 16 // the words of neonExpWords
	neonExpPoly = neonExp + expPoly
	neonOne     = neonExp + expOne
	neonLowest  = neonExp + expLowest
	neonBias    = neonLowest + 1 // 127, an integer
	neonGELU    = 7              // the words of geluWords but the last
	neonLimit   = 28             // the last, or the factor of quickGELU
)

// neonElementwise writes sums, products and affine functions of n values, a
// multiple of 4.
func neonElementwise(f *file) {
	n := neon{f}
	for _, s := range []struct{ name, op string }{{"add", "FADD"}, {"mul", "FMUL"}} {
		n.text(s.name+"NEON", "(dst, a, b *float32, n int)", 32)
		n.arguments("dst", "a", "b", "n")
		n.loop("loop", "R3", 4, func() {
			n.load(0, "R1", 0)
			n.load(1, "R2", 0)
			n.do(s.op, 0, 0, 1)
			n.store(0, "R0", 0)
			n.next(16, "R0", "R1", "R2")
		})
		n.op("RET")
	}
	n.text("affineNEON", "(dst, x *float32, n int, scale, shift float32)", 32)
	n.arguments("dst", "x", "n")
	for i, name := range []string{"scale", "shift"} {
		n.op("MOVWU %s+%d(FP), R3", name, 24+4*i)
		n.op("VDUP R3, V%d.S4", 2+i)
	}
	n.loop("loop", "R2", 4, func() {
		n.load(0, "R1", 0)
		n.move(1, 3)
		n.do("FMLA", 1, 0, 2)
		n.store(1, "R0", 0)
		n.next(16, "R0", "R1")
	})
	n.op("RET")
}

// gateData declares what gate takes.
func (n neon) gateData() { n.words("gateWords", append(floatBits(append(expWords, -87.33654)), 127)) }

func (n neon) gateSetup() { n.spread("gateWords", expLowest+2, neonExp) }

// exp turns V0, not positive, into its exponential. It uses V1 to V4 and V6.
// What is below the least normal number becomes 0.
func (n neon) exp() {
	n.do("FCMGT", 6, neonLowest, 0)
	n.do("FMAX", 0, 0, neonLowest) // keeps a NaN
	n.do("FMUL", 1, 0, neonExp+expLog2e)
	n.do("FRINTN", 1, 1)
	n.do("FMLS", 0, 1, neonExp+expLn2Hi)
	n.do("FMLS", 0, 1, neonExp+expLn2Lo)
	n.do("FMUL", 3, 0, 0)
	p := n.horner(2, 4, 0, registers(neonExpPoly, 6))
	n.do("FMLA", 0, p, 3)
	n.do("FADD", 0, 0, neonOne)
	n.do("FCVTNS", 1, 1)
	n.do("ADD", 1, 1, neonBias)
	n.do("SHL23", 1, 1)
	n.do("FMUL", 0, 0, 1)
	n.do("BIC", 0, 0, 6)
}

// gate puts x sigmoid(z), for z in V0 and x in V5 of the same sign, into V0. It
// works with exp(-|z|), which can't overflow.
func (n neon) gate() {
	n.do("FABS", 0, 0)
	n.do("FNEG", 0, 0)
	n.exp()
	n.do("FMUL", 1, 5, 0)
	n.do("CMLT0", 2, 5)
	n.do("BIT", 5, 1, 2)
	n.do("FADD", 0, 0, neonOne)
	n.do("FDIV", 0, 5, 0)
}

func (n neon) geluSetup() {
	n.spread("geluWords", geluMax, neonGELU)
	n.op("VLD1R (R15), [V%d.S4]", neonLimit)
}

// geluArgument puts x S(x*x), for x in V5, into V0.
func (n neon) geluArgument() {
	n.do("FMUL", 1, 5, 5)
	n.do("FMIN", 1, 1, neonLimit)
	from := registers(neonGELU, geluMax)
	for i, j := 0, len(from)-1; i < j; i, j = i+1, j-1 {
		from[i], from[j] = from[j], from[i]
	}
	n.do("FMUL", 0, 5, n.horner(0, 2, 1, from))
}

// neonActivations writes the activations of n values, a multiple of 4.
func neonActivations(f *file) {
	n := neon{f}
	n.gateData()
	n.words("geluWords", floatBits(geluWords))
	n.words("quickWords", floatBits([]float32{1.702}))
	n.words("geluTanhWords", floatBits(geluTanhWords))
	for _, a := range []struct {
		name            string
		setup, argument func()
	}{
		{"silu", func() {}, func() { n.move(0, 5) }},
		{"quickGELU", func() { n.spread("quickWords", 1, neonLimit) }, func() { n.do("FMUL", 0, 5, neonLimit) }},
		{"gelu", n.geluSetup, n.geluArgument},
		{"geluTanh", func() { n.spread("geluTanhWords", 2, neonGELU) }, func() {
			n.do("FMUL", 1, 5, 5)
			n.move(0, neonGELU)
			n.do("FMLA", 0, 1, neonGELU+1)
			n.do("FMUL", 0, 0, 5)
		}},
	} {
		n.text(a.name+"NEON", "(x *float32, n int)", 16)
		n.arguments("x", "n")
		n.gateSetup()
		a.setup()
		n.loop("loop", "R1", 4, func() {
			n.load(5, "R0", 0)
			a.argument()
			n.gate()
			n.store(0, "R0", 0)
			n.next(16, "R0")
		})
		n.op("RET")
	}
	n.text("gegluNEON", "(dst, a, b *float32, n int)", 32)
	n.arguments("dst", "a", "b", "n")
	n.gateSetup()
	n.geluSetup()
	n.loop("loop", "R3", 4, func() {
		n.load(5, "R2", 0)
		n.geluArgument()
		n.gate()
		n.load(1, "R1", 0)
		n.do("FMUL", 0, 0, 1)
		n.store(0, "R0", 0)
		n.next(16, "R0", "R1", "R2")
	})
	n.op("RET")
}
