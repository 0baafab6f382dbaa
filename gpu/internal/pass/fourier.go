package pass

import (
	"math"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// fourierFilter takes sines and cosines from a table: those of drivers are good to
// 2^-11 only.
func (c *compiler) fourierFilter(n *nn.Node, op nn.FourierFilter) error {
	x, y := n.In[0], n.Out
	h, w, ch := x.Dim(1), x.Dim(2), x.Dim(3)
	table, err := c.vector(turns(h, w))
	if err != nil {
		return err
	}
	spec := []uint32{0, 0}
	if h > 1 {
		spec[0] = 1
	}
	if w > 1 {
		spec[1] = 1
	}
	sums := c.reserve(8*ch, kernel.F32)
	for b := range x.Dim(0) {
		from, size := b*h*w*ch, h*w*ch
		in := c.part(x, from, size)
		c.emit(kernel.Frequencies, nil, ceil(ch, kernel.Threads), 0, []operand{in, table, sums.to()}, h, w, ch, 1)
		c.emit(kernel.Filter, spec, ceil(size, kernel.Threads), 0, []operand{in, table, sums, c.part(y, from, size).to()},
			h, w, ch, size, (op.Scale-1)/float32(h*w))
	}
	return nil
}

// turns is the cosines and sines of once round, in h and in w steps.
func turns(h, w int) *nn.Weight {
	t := tensor.New(tensor.F32, 2*h+2*w)
	at := t.Float32s()
	for _, n := range []int{h, w} {
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			at[i], at[n+i] = float32(cos), float32(sin)
		}
		at = at[2*n:]
	}
	return nn.Param("angles", t)
}
