package main

import "fmt"

// geluWords are the polynomial S and the greatest x*x it is for. See
// act.GELU for its meaning.
var geluWords = []float32{
	1.59576952, 0.0726683736, -6.87035717e-05, -0.000108359724, 7.23810354e-06, -1.55188019e-07, -5.47538237e-09, 3.58992586e-10, -5.41754619e-12,
	27.5625,
}

const geluMax = 9 // index of the greatest x*x

// gate writes x sigmoid(z), where z has the sign of x.
type gate struct {
	exp
}

// data declares what the functions of a file share.
func (g gate) data() {
	g.exp.data()
	g.words("signBit", []uint32{1 << 31})
}

func (g gate) sign() string {
	if g.reg == "Z" {
		return "Z27"
	}
	return "Y13"
}

// setup loads constants: those of exp, and Z27 or Y13.
func (g gate) setup() {
	g.exp.setup()
	g.op("VBROADCASTSS signBit<>(SB), %s", g.sign())
}

// replace puts the result for z in register 0 and x in register 5 into
// register 0. It works with exp(-|z|), which can't overflow.
func (g gate) replace() {
	g.op("VORPS %[1]s, %[2]s0, %[2]s0", g.sign(), g.reg)
	g.exp.replace()
	if g.reg == "Z" {
		g.op("VPMOVD2M Z5, K2")
		g.op("VMULPS Z0, Z5, K2, Z5")
	} else {
		g.op("VMULPS Y5, Y0, Y1")
		g.op("VBLENDVPS Y5, Y1, Y5, Y5")
	}
	g.op("VADDPS %s, %[2]s0, %[2]s0", g.constant(expOne), g.reg)
	g.op("VDIVPS %[1]s0, %[1]s5, %[1]s0", g.reg)
}

// activation is a function of x in register 5, given as x sigmoid(z). argument
// puts z into register 0.
type activation struct {
	name            string
	setup, argument func(p *pass)
}

var activations = []activation{
	{"silu", func(*pass) {}, func(p *pass) { p.op("VMOVAPS %s, %s", p.vec(5), p.vec(0)) }},
	{
		"quickGELU",
		func(p *pass) { p.op("VBROADCASTSS quickWords<>(SB), %s", p.vec(14)) },
		func(p *pass) { p.op("VMULPS %s, %s, %s", p.vec(14), p.vec(5), p.vec(0)) },
	},
	{"gelu", geluSetup, geluArgument},
	{"geluTanh", func(*pass) {}, geluTanhArgument},
}

// geluTanhWords are the factors of x and x^3 in the argument of act.GELUTanh.
var geluTanhWords = []float32{1.5957691216, 0.0713548162726}

// geluTanhArgument computes x (a + b x*x).
func geluTanhArgument(p *pass) {
	square, sum, factor := p.vec(1), p.vec(0), p.vec(2)
	p.op("VMULPS %[1]s, %[1]s, %[2]s", p.vec(5), square)
	p.op("VBROADCASTSS geluTanhWords<>(SB), %s", sum)
	p.op("VBROADCASTSS geluTanhWords<>+4(SB), %s", factor)
	p.op("VFMADD231PS %s, %s, %s", factor, square, sum)
	p.op("VMULPS %[1]s, %[2]s, %[2]s", p.vec(5), sum)
}

// geluConstant is the register of a word of geluWords on AVX-512. AVX2 has none to spare.
func geluConstant(i int) string { return fmt.Sprint("Z", 6+i) }

func geluSetup(p *pass) {
	if p.reg == "Z" {
		for i := range geluWords {
			p.op("VBROADCASTSS geluWords<>+%d(SB), %s", 4*i, geluConstant(i))
		}
	}
}

// geluArgument computes x S(x*x).
func geluArgument(p *pass) {
	square, sum := p.vec(1), p.vec(0)
	constant := func(i int, reg string) string {
		if p.reg == "Z" {
			return geluConstant(i)
		}
		p.op("VBROADCASTSS geluWords<>+%d(SB), %s", 4*i, reg)
		return reg
	}
	p.op("VMULPS %[1]s, %[1]s, %[2]s", p.vec(5), square)
	p.op("VMINPS %s, %s, %s", constant(geluMax, p.vec(2)), square, square)
	if c := constant(geluMax-1, sum); c != sum {
		p.op("VMOVAPS %s, %s", c, sum)
	}
	for i := geluMax - 2; i >= 0; i-- {
		p.op("VFMADD213PS %s, %s, %s", constant(i, p.vec(2)), square, sum)
	}
	p.op("VMULPS %[1]s, %[2]s, %[2]s", p.vec(5), sum)
}

// activate writes the activations.
func (in instructions) activate(f *file) {
	g := gate{exp{f, in}}
	passData(f, in)
	g.data()
	f.words("quickWords", floatBits([]float32{1.702}))
	f.words("geluWords", floatBits(geluWords))
	f.words("geluTanhWords", floatBits(geluTanhWords))
	p := &pass{file: f, instructions: in}
	for _, a := range activations {
		p.text(a.name+in.name, "(x *float32, n int)", 16)
		p.arguments([]string{"x"}, "n", length)
		g.setup()
		a.setup(p)
		p.setMask()
		p.row(func() {
			p.load("DI", p.vec(5))
			a.argument(p)
			g.replace()
			p.store(p.vec(0), "DI")
		})
		p.end()
	}
	p.text("geglu"+in.name, "(dst, a, b *float32, n int)", 32)
	p.arguments([]string{"dst", "a", "b"}, "n", length)
	g.setup()
	geluSetup(p)
	p.setMask()
	p.row(func() {
		p.load("DX", p.vec(5))
		geluArgument(p)
		g.replace()
		p.load("SI", p.vec(1))
		p.op("VMULPS %[1]s, %[2]s, %[2]s", p.vec(1), p.vec(0))
		p.store(p.vec(0), "DI")
	})
	p.end()
}
