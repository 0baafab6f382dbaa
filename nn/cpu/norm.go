package cpu

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/norm"
	"github.com/df65613c/easel/nn"
)

// chunkElements is about how many elements one unit of a simple pass handles:
// enough to outweigh its start, few enough to stop soon.
const chunkElements = 1 << 15

// rowBlocks splits rows of c elements into blocks for units.
func rowBlocks(rows, c int) (blocks, size int) {
	size = max(1, chunkElements/c)
	return (rows + size - 1) / size, size
}

func (c *compiler) layerNorm(n *nn.Node, op nn.LayerNorm) error {
	scale, err := c.vector(op.Scale)
	if err != nil {
		return err
	}
	shift, err := c.vector(op.Shift)
	if err != nil {
		return err
	}
	x, y, width := n.In[0], n.Out, n.Out.Dim(-1)
	rows := y.Shape().NumElements() / width
	blocks, size := rowBlocks(rows, width)
	e := c.executable
	c.step(blocks, 0, func(_, unit int) {
		src, dst := e.f32(x), e.f32(y)
		for r := unit * size; r < min((unit+1)*size, rows); r++ {
			norm.Layer(dst[r*width:(r+1)*width], src[r*width:(r+1)*width], scale, shift, op.Eps)
		}
	})
	return nil
}

// groupNorm takes two passes: the moments of blocks of pixels, then the
// normalisation with the sums of those.
func (c *compiler) groupNorm(index int, n *nn.Node, op nn.GroupNorm) error {
	scale, err := c.vector(op.Scale)
	if err != nil {
		return err
	}
	shift, err := c.vector(op.Shift)
	if err != nil {
		return err
	}
	x, y := n.In[0], n.Out
	batch, ch, groups := y.Dim(0), y.Dim(-1), op.Groups
	pixels := y.Shape().NumElements() / batch / ch
	blocks, size := rowBlocks(pixels, ch)
	c.workspace[index] = batch * blocks * groups * int(unsafe.Sizeof(norm.Moments{}))
	e := c.executable
	image := func(unit int) (b, first, last int) {
		b, first = unit/blocks, unit%blocks*size
		base := b * pixels
		return b, (base + first) * ch, (base + min(first+size, pixels)) * ch
	}
	c.step(batch*blocks, 0, func(_, unit int) {
		_, from, to := image(unit)
		m := elements[norm.Moments](e.work[index])
		norm.GroupMoments(m[unit*groups:(unit+1)*groups], e.f32(x)[from:to], ch)
	})
	apply, act := norm.Apply, epilogue(op.Act)
	if op.Act == nn.SiLU {
		apply, act = norm.ApplySiLU, nil
	}
	per := ch / groups
	c.step(batch*blocks, 8*ch, func(worker, unit int) {
		b, from, to := image(unit)
		m := elements[norm.Moments](e.work[index])[b*blocks*groups : (b+1)*blocks*groups]
		affine := elements[float32](e.scratch[worker])
		mul, add := affine[:ch], affine[ch:2*ch]
		for g := range groups {
			i, j := g*per, (g+1)*per
			norm.GroupAffine(mul[i:j], add[i:j], scale[i:j], shift[i:j], m[g:], groups, pixels*per, op.Eps)
		}
		dst := e.f32(y)[from:to]
		apply(dst, e.f32(x)[from:to], mul, add)
		if act != nil {
			act(dst)
		}
	})
	return nil
}
