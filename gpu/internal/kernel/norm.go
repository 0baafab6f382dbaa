package kernel

import "math"

// softmax replaces rows by their softmax. Binding: rows, one a work group.
//
// Parameters: length of a row, rows of a head, the query of the first of them, and
// whether row q sees only elements 0 to q.
func softmax(c *call) {
	x, size := c.at(0, F32), c.n(0)
	for row := range c.groups {
		n := size
		if c.n(3) != 0 {
			n = min(n, c.n(2)+row%c.n(1)+1)
		}
		most, sum := math.Inf(-1), 0.0
		for i := range n {
			most = max(most, x.get(row*size+i))
		}
		for i := range n {
			sum += math.Exp(x.get(row*size+i) - most)
		}
		for i := range size {
			v := 0.0
			if i < n {
				v = math.Exp(x.get(row*size+i)-most) / sum
			}
			x.set(row*size+i, v)
		}
	}
}

// layerNorm normalises rows, one a work group. Bindings: x, scale, shift, y.
//
// Constant: format of y. Parameters: length of a row, eps.
func layerNorm(c *call) {
	x, scale, shift, y := c.at(0, F32), c.at(1, F32), c.at(2, F32), c.at(3, Format(c.spec[0]))
	width := c.n(0)
	for row := range c.groups {
		mean, squares := momentsOf(width, func(i int) float64 { return x.get(row*width + i) })
		f := 1 / math.Sqrt(squares/float64(width)+c.float(1))
		for i := range width {
			y.set(row*width+i, (x.get(row*width+i)-mean)*f*scale.get(i)+shift.get(i))
		}
	}
}

// momentsOf returns the mean of n numbers and the sum of their squared
// distances from it.
func momentsOf(n int, x func(i int) float64) (mean, squares float64) {
	for i := range n {
		mean += x(i)
	}
	mean /= float64(n)
	for i := range n {
		squares += (x(i) - mean) * (x(i) - mean)
	}
	return mean, squares
}

// moments makes, for a group of channels over a block of pixels: the mean, the
// sum of squared distances from it, the number of numbers, 0. A work group
// makes one. Bindings: x [B,pixels,C], moments [B,blocks,groups,4].
//
// Constant: format of x. Parameters: pixels, C, groups, pixels in a block, blocks of an image.
func moments(c *call) {
	x, out := c.at(0, Format(c.spec[0])), c.at(1, F32)
	pixels, channels, groups, size, blocks := c.n(0), c.n(1), c.n(2), c.n(3), c.n(4)
	per := channels / groups
	for i := range c.groups {
		b, block, g := i/groups/blocks, i/groups%blocks, i%groups
		first := block * size
		count := (min(first+size, pixels) - first) * per
		mean, squares := momentsOf(count, func(k int) float64 {
			return x.get((b*pixels+first+k/per)*channels + g*per + k%per)
		})
		for k, v := range []float64{mean, squares, float64(count), 0} {
			out.set(4*i+k, v)
		}
	}
}

// scale turns the moments of all blocks into the factor and the term of each
// channel of an image. A work group makes one group of one image. Bindings:
// moments [B,blocks,groups,4], scale, shift, factors and terms [B,2,C].
//
// Parameters: blocks, C, groups, eps.
func scale(c *call) {
	in, gain, shift, out := c.at(0, F32), c.at(1, F32), c.at(2, F32), c.at(3, F32)
	blocks, channels, groups := c.n(0), c.n(1), c.n(2)
	per := channels / groups
	for i := range c.groups {
		b, g := i/groups, i%groups
		var mean, squares, count float64
		for block := range blocks {
			at := 4 * ((b*blocks+block)*groups + g)
			d, n := in.get(at)-mean, in.get(at+2)
			all := count + n
			squares += in.get(at+1) + d*d*count*n/all
			mean += d * n / all
			count = all
		}
		f := 1 / math.Sqrt(squares/count+c.float(3))
		for ch := g * per; ch < (g+1)*per; ch++ {
			mul := f * gain.get(ch)
			out.set(b*2*channels+ch, mul)
			out.set(b*2*channels+channels+ch, shift.get(ch)-mean*mul)
		}
	}
}

// norm applies factors and terms. Bindings: x, factors and terms [B,2,C], y.
//
// Constants: format of x, of y, activation. Parameters: numbers in all, in an image, C.
func norm(c *call) {
	x, affine, y := c.at(0, Format(c.spec[0])), c.at(1, F32), c.at(2, Format(c.spec[1]))
	channels := c.n(2)
	for i := range c.n(0) {
		at := i/c.n(1)*2*channels + i%channels
		y.set(i, activate(c.spec[2], x.get(i)*affine.get(at)+affine.get(at+channels)))
	}
}
