package main

// normalise writes what the normalisations are made of.
func (in instructions) normalise(f *file) {
	passData(f, in)
	g := gate{exp{f, in}}
	g.data()
	p := &pass{file: f, instructions: in}
	p.moments()
	p.normaliseRow()
	p.columns()
	p.apply("apply", nil)
	p.apply("applySiLU", &g)
}

// moments writes the float64 sums of x-shift and its square over n values, a
// multiple of 16.
func (p *pass) moments() {
	p.text("moments"+p.name, "(x *float32, n int, shift float64) (sum, sq float64)", 40)
	p.arguments([]string{"x"}, "n", left)
	shift, parts := p.vec(15), 128/p.width // 16 values are 128 bytes in float64
	p.op("VBROADCASTSD shift+16(FP), %s", shift)
	for i := range 2 * parts {
		p.op("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
	}
	p.op("PCALIGN $32")
	p.label("loop")
	for i := range parts {
		x := p.vec(2*parts + i)
		p.op("VCVTPS2PD %d(DI), %s", i*p.width/2, x)
		p.op("VSUBPD %[1]s, %[2]s, %[2]s", shift, x)
		p.op("VADDPD %[1]s, %[2]s, %[2]s", x, p.vec(i))
		p.op("VFMADD231PD %[1]s, %[1]s, %[2]s", x, p.vec(parts+i))
	}
	p.op("ADDQ $64, DI")
	p.op("SUBQ $16, %s", left)
	p.op("JGT loop")
	for i, result := range []string{"sum+24(FP)", "sq+32(FP)"} {
		for n := parts / 2; n > 0; n /= 2 {
			for j := range n {
				p.op("VADDPD %[1]s, %[2]s, %[2]s", p.vec(i*parts+j+n), p.vec(i*parts+j))
			}
		}
		r := i * parts
		if p.reg == "Z" {
			p.op("VEXTRACTF64X4 $1, Z%d, Y15", r)
			p.op("VADDPD Y15, Y%[1]d, Y%[1]d", r)
		}
		p.op("VEXTRACTF128 $1, Y%d, X15", r)
		p.op("VADDPD X15, X%[1]d, X%[1]d", r)
		p.op("VPERMILPD $1, X%d, X15", r)
		p.op("VADDSD X15, X%[1]d, X%[1]d", r)
		p.op("VMOVSD X%d, %s", r, result)
	}
	p.end()
}

// normaliseRow writes dst[i] = (x[i]-mean)*inv*scale[i] + shift[i].
func (p *pass) normaliseRow() {
	p.text("normalise"+p.name, "(dst, x, scale, shift *float32, n int, mean, inv float32)", 48)
	p.arguments([]string{"dst", "x", "scale", "shift"}, "n", length)
	x, scale, shift, mean, inv := p.vec(0), p.vec(1), p.vec(2), p.vec(3), p.vec(4)
	p.op("VBROADCASTSS mean+40(FP), %s", mean)
	p.op("VBROADCASTSS inv+44(FP), %s", inv)
	p.setMask()
	p.row(func() {
		p.load("SI", x)
		p.load("DX", scale)
		p.load("R8", shift)
		p.op("VSUBPS %[1]s, %[2]s, %[2]s", mean, x)
		p.op("VMULPS %[1]s, %[2]s, %[2]s", inv, x)
		p.op("VFMADD213PS %s, %s, %s", shift, scale, x)
		p.store(x, "DI")
	})
	p.end()
}

// columns writes the float64 sums and sums of squares of n columns, at most
// two vectors, of rows that are c values apart. The strided walk needs help to
// read ahead: the columns next to these, which are the next to be asked for.
func (p *pass) columns() {
	const parts = 4
	n := p.width / 8 // values in a part
	masks := map[string][]string{"Z": {"K1", "K2", "K3", "K4"}, "Y": {"X12", "X13", "X14", "X15"}}[p.reg]
	if p.reg == "Y" {
		p.words("columnMasks", onesAndZeros(parts*n))
	}
	p.text("columns"+p.name, "(sum, sq *float64, x *float32, rows, c, n int)", 48)
	p.arguments([]string{"sum", "sq", "x"}, "rows", rows, "c", length, "n", "CX")
	p.op("SHLQ $2, %s", length)
	if p.reg == "Z" {
		p.op("MOVQ $1, BX")
		p.op("SHLQ CX, BX")
		p.op("DECQ BX")
		for i, k := range masks {
			if i > 0 {
				p.op("SHRQ $%d, BX", n)
			}
			p.op("KMOVW BX, %s", k)
		}
	} else {
		p.op("LEAQ columnMasks<>+%d(SB), BX", 4*parts*n)
		p.op("SHLQ $2, CX")
		p.op("SUBQ CX, BX")
		for i, m := range masks {
			p.op("VMOVUPS %d(BX), %s", 4*i*n, m)
		}
	}
	for i := range 2 * parts {
		p.op("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
	}
	p.op("PCALIGN $32")
	p.label("loop")
	for i, m := range masks {
		x := 2*parts + i
		if p.reg == "Z" {
			p.op("VCVTPS2PD.Z %d(DX), %s, Z%d", 4*i*n, m, x)
		} else {
			p.op("VMASKMOVPS %d(DX), %s, X%d", 4*i*n, m, x)
			p.op("VCVTPS2PD X%[1]d, Y%[1]d", x)
		}
		p.op("VADDPD %[1]s, %[2]s, %[2]s", p.vec(x), p.vec(i))
		p.op("VFMADD231PD %[1]s, %[1]s, %[2]s", p.vec(x), p.vec(parts+i))
	}
	for line := 0; line < 2*p.width; line += 64 {
		p.op("PREFETCHT0 %d(DX)", 2*p.width+line)
	}
	p.op("ADDQ %s, DX", length)
	p.op("DECQ %s", rows)
	p.op("JNE loop")
	for i := range parts {
		p.op("VMOVUPS %s, %d(DI)", p.vec(i), i*p.width)
		p.op("VMOVUPS %s, %d(SI)", p.vec(parts+i), i*p.width)
	}
	p.end()
}

// apply writes x*mul + add for rows of c values, through a gate if there is one.
func (p *pass) apply(name string, g *gate) {
	p.text(name+p.name, "(dst, x, mul, add *float32, rows, c int)", 48)
	p.arguments([]string{"dst", "x", "mul", "add"}, "rows", rows, "c", length)
	if g != nil {
		g.setup()
	}
	p.setMask()
	p.label("row")
	x, mul, add := p.vec(0), p.vec(1), p.vec(2)
	p.row(func() {
		p.load("SI", x)
		p.load("DX", mul)
		p.load("R8", add)
		p.op("VFMADD213PS %s, %s, %s", add, mul, x)
		if g != nil {
			p.op("VMOVAPS %s, %s", x, p.vec(5))
			g.replace()
		}
		p.store(x, "DI")
	})
	p.op("LEAQ (DI)(%s*4), DI", length)
	p.op("LEAQ (SI)(%s*4), SI", length)
	p.op("DECQ %s", rows)
	p.op("JNE row")
	p.end()
}
