package kernel

// Modes of Gemm, its constant 0.
const (
	Linear  = iota // rows of x
	Conv           // pixels of x, channels last
	Batched        // a matrix for each head
)

// Flags of Gemm, its constant 6.
const (
	WithBias = 1 << iota
	WithChannelBias
	WithResidual
	ResidualF16
	MayRound // x may be rounded to halves
)

// Taps packs the kernel of a convolution for constant 7: its height and width,
// the stride, and by how much the image is enlarged before (1 or 2).
func Taps(kh, kw, stride, factor int) uint32 {
	return uint32(kw | stride<<8 | factor<<16 | kh<<24)
}

// Tile is the rows and columns of y, or of x W^T if it is gated, that a work group of
// Gemm makes.
const TileM, TileN = 64, 32

// gemm is y[m,n] = act(alpha sum_k x[m,k] w[n,k] + bias[n] + channelBias[m/pixels,n] +
// residual[m,n]). Gated, column n of y is a gelu(b) of columns n and n+N/2 of that.
// Bindings: x, w, bias, channel bias, residual, y.
//
// Constants: mode, format of x, of w, of y, activation, gated, flags, taps.
// Parameters: M, N, K, tiles in a row of y; of Conv then C, H, W, OH, OW, rows and
// columns of padding above and to the left, which may be negative: w is [N,KH,KW,C].
// Of Batched: the strides of a row of x, of n and k of w, of a row of y; heads; strides of
// a batch and of a head in x, in w, in y; alpha; tiles in a column of y.
func gemm(c *call) {
	x, w, y := c.at(0, Format(c.spec[1])).all(), c.at(1, Format(c.spec[2])).all(), c.at(5, Format(c.spec[3]))
	M, N, K := c.n(0), c.n(1), c.n(2)
	switch c.spec[0] {
	case Batched:
		per := c.n(3) * c.n(16)
		for z := range c.groups / per {
			b, h := z/c.n(8), z%c.n(8)
			xz, wz, yz := b*c.n(9)+h*c.n(10), b*c.n(11)+h*c.n(12), b*c.n(13)+h*c.n(14)
			for m := range M {
				for n := range N {
					y.set(yz+m*c.n(7)+n, dot(x[xz+m*c.n(4):], w[wz+n*c.n(5):], K, 1, c.n(6))*c.float(15))
				}
			}
		}
		return
	case Linear:
		c.finish(y, M, N, func(m, n int) float64 { return dot(x[m*K:], w[n*K:], K, 1, 1) })
		return
	}
	t := c.spec[7]
	kw, stride, factor := int(t&255), int(t>>8&255), int(t>>16&255)
	C, H, W, OH, OW := c.n(4), c.n(5), c.n(6), c.n(7), c.n(8)
	c.finish(y, M, N, func(m, n int) (sum float64) {
		b, oy, ox := m/(OH*OW), m/OW%OH, m%OW
		for tap := range K / C {
			iy, ix := oy*stride+tap/kw-c.n(9), ox*stride+tap%kw-c.n(10)
			if iy < 0 || ix < 0 || iy >= H*factor || ix >= W*factor {
				continue
			}
			at := ((b*H+iy/factor)*W + ix/factor) * C
			sum += dot(x[at:], w[n*K+tap*C:], C, 1, 1)
		}
		return sum
	})
}

// finish sets y from the sums of x W^T.
func (c *call) finish(y operand, M, N int, sum func(m, n int) float64) {
	flags, bias := c.spec[6], c.at(2, F32)
	biased := func(m, n int) float64 {
		v := sum(m, n)
		if flags&WithBias != 0 {
			v += bias.get(n)
		}
		return v
	}
	if c.spec[5] != 0 {
		for i := range M * N / 2 {
			m, n := i/(N/2), i%(N/2)
			y.set(i, biased(m, n)*activate(gelu, biased(m, n+N/2)))
		}
		return
	}
	channel, residual := c.at(3, F32), c.at(4, F32)
	if flags&ResidualF16 != 0 {
		residual.format = F16
	}
	for i := range M * N {
		m, n := i/N, i%N
		v := biased(m, n)
		if flags&WithChannelBias != 0 {
			v += channel.get(m/(c.n(7)*c.n(8))*N + n)
		}
		if flags&WithResidual != 0 {
			v += residual.get(i)
		}
		y.set(i, activate(c.spec[4], v))
	}
}
