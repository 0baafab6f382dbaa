package kernel

// columnSums adds up rows, and the heads they are of. Bindings: rows [heads,R,S], sums [S].
//
// Parameters: S, R, heads, a factor of the sums, and whether sums are added to what is there.
func columnSums(c *call) {
	x, y := c.at(0, F32), c.at(1, F32)
	for i := range c.n(0) {
		sum := 0.0
		for row := range c.n(1) * c.n(2) {
			sum += x.get(row*c.n(0) + i)
		}
		sum *= c.float(3)
		if c.n(4) != 0 {
			sum += y.get(i)
		}
		y.set(i, sum)
	}
}

// frequencies makes the lowest of the Fourier transform of each plane of images, 0 and
// -1 along both axes. Bindings: x [B,H,W,C], cosines and sines of the angle of each
// row, then of each column (H, H, W, W numbers), and [B,C,8]: real and imaginary part at
// (0,0), (0,-1), (-1,0), (-1,-1).
//
// Parameters: H, W, C, B.
func frequencies(c *call) {
	x, table, out := c.at(0, F32), c.at(1, F32), c.at(2, F32)
	h, w, channels := c.n(0), c.n(1), c.n(2)
	for i := range c.n(3) * channels {
		b, ch := i/channels, i%channels
		var sums [8]float64
		for p := range h * w {
			v := x.get((b*h*w+p)*channels + ch)
			for f := range 4 {
				cos, sin := turn(table, h, w, p, f)
				sums[2*f] += v * cos
				sums[2*f+1] += v * sin
			}
		}
		for k, v := range sums {
			out.set(8*i+k, v)
		}
	}
}

// turn is the cosine and sine of the angle of pixel p at frequency f.
func turn(table operand, h, w, p, f int) (cos, sin float64) {
	y, x := p/w, p%w
	cy, sy, cx, sx := 1.0, 0.0, 1.0, 0.0
	if f >= 2 {
		cy, sy = table.get(y), table.get(h+y)
	}
	if f%2 == 1 {
		cx, sx = table.get(2*h+x), table.get(2*h+w+x)
	}
	return cy*cx - sy*sx, sy*cx + cy*sx
}

// filter adds a part of the lowest frequencies to images. Bindings: x, the table and
// the sums of Frequencies, y.
//
// Constants: whether there is frequency -1 along rows and along columns, that is more
// than one of them. Parameters: H, W, C, numbers in all, the factor over H W.
func filter(c *call) {
	x, table, sums, y := c.at(0, F32), c.at(1, F32), c.at(2, F32), c.at(3, F32)
	h, w, channels := c.n(0), c.n(1), c.n(2)
	for i := range c.n(3) {
		p, b, ch := i/channels%(h*w), i/channels/(h*w), i%channels
		v := 0.0
		for f := range 4 {
			if f >= 2 && c.spec[0] == 0 || f%2 == 1 && c.spec[1] == 0 {
				continue
			}
			cos, sin := turn(table, h, w, p, f)
			at := 8*(b*channels+ch) + 2*f
			v += sums.get(at)*cos + sums.get(at+1)*sin
		}
		y.set(i, x.get(i)+c.float(4)*v)
	}
}
