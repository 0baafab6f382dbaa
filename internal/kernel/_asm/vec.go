package main

// elementwise writes sums, products and affine functions.
func (in instructions) elementwise(f *file) {
	passData(f, in)
	p := &pass{file: f, instructions: in}
	x, y := p.vec(0), p.vec(1)
	for _, s := range []struct{ name, op string }{{"add", "VADDPS"}, {"mul", "VMULPS"}} {
		p.text(s.name+in.name, "(dst, a, b *float32, n int)", 32)
		p.arguments([]string{"dst", "a", "b"}, "n", length)
		p.setMask()
		p.row(func() {
			p.load("SI", x)
			p.load("DX", y)
			p.op("%s %s, %s, %s", s.op, y, x, x)
			p.store(x, "DI")
		})
		p.end()
	}
	p.text("affine"+in.name, "(dst, x *float32, n int, scale, shift float32)", 32)
	p.arguments([]string{"dst", "x"}, "n", length)
	scale, shift := p.vec(2), p.vec(3)
	p.op("VBROADCASTSS scale+24(FP), %s", scale)
	p.op("VBROADCASTSS shift+28(FP), %s", shift)
	p.setMask()
	p.row(func() {
		p.load("SI", x)
		p.op("VFMADD213PS %s, %s, %s", shift, scale, x)
		p.store(x, "DI")
	})
	p.end()
}
