package kernel

// Operations of Map, its constant 0.
const (
	Activate    = iota
	Add         // x + b
	AddChannels // x + b, b [B,C]
	Mul         // x b
	Affine      // scale x + shift
	GEGLU       // of a row of 2C, the first half times the gelu of the second
)

// elementwise is y = f(x, b). Bindings: x, b, y; y may lie where x does.
//
// Constants: operation, activation, format of x, of b, of y. Parameters: numbers of y,
// C, numbers of an image, scale, shift.
func elementwise(c *call) {
	x, b, y := c.at(0, Format(c.spec[2])), c.at(1, Format(c.spec[3])), c.at(2, Format(c.spec[4]))
	channels := c.n(1)
	for i := range c.n(0) {
		switch c.spec[0] {
		case Activate:
			y.set(i, activate(c.spec[1], x.get(i)))
		case Add:
			y.set(i, x.get(i)+b.get(i))
		case AddChannels:
			y.set(i, x.get(i)+b.get(i/c.n(2)*channels+i%channels))
		case Mul:
			y.set(i, x.get(i)*b.get(i))
		case Affine:
			y.set(i, c.float(3)*x.get(i)+c.float(4))
		case GEGLU:
			at := i/channels*2*channels + i%channels
			y.set(i, x.get(at)*activate(gelu, x.get(at+channels)))
		}
	}
}
