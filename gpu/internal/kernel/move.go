package kernel

// move copies words along five axes. Bindings: x, y.
//
// Constant: whether axes 1 and 2 are enlarged, to the nearest pixel. Parameters: sizes,
// strides of x, strides of y, five each; then height of the result and of x, width of the
// result and of x.
func move(c *call) {
	x, y := c.at(0, F32), c.at(1, F32)
	n := 1
	for i := range 5 {
		n *= c.n(i)
	}
	for i := range n {
		from, to, rest := 0, 0, i
		for axis := 4; axis >= 0; axis-- {
			at := rest % c.n(axis)
			rest /= c.n(axis)
			to += at * c.n(10+axis)
			if c.spec[0] != 0 && (axis == 1 || axis == 2) {
				at = at * c.n(14+2*axis) / c.n(13+2*axis)
			}
			from += at * c.n(5+axis)
		}
		y.setWord(to, x.word(from))
	}
}

// tokenRow copies the row of each sequence at the first place of a token.
// Bindings: x [B,T,C], ids [B,T], y [B,C].
//
// Parameters: T, C, the token or a negative number for the greatest, B.
func tokenRow(c *call) {
	x, ids, y := c.at(0, F32), c.at(1, F32), c.at(2, F32)
	length, width, token := c.n(0), c.n(1), c.n(2)
	for b := range c.n(3) {
		at := 0
		id := func(i int) int { return int(int32(ids.word(b*length + i))) }
		for i := range length {
			if token >= 0 && id(i) == token {
				at = i
				break
			}
			if token < 0 && id(i) > id(at) {
				at = i
			}
		}
		for i := range width {
			y.setWord(b*width+i, x.word((b*length+at)*width+i))
		}
	}
}
