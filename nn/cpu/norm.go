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

// groupNorm takes three passes: the moments of blocks of pixels, what these make
// of each channel of an image, then the normalisation.
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
	parts, per := blocks*groups, ch/groups // moments in an image, channels in a group
	momentsBytes := batch * parts * int(unsafe.Sizeof(norm.Moments{}))
	c.workspace[index] = momentsBytes + batch*2*ch*4
	e := c.executable
	moments := func(b int) []norm.Moments {
		return elements[norm.Moments](e.work[index][:momentsBytes])[b*parts : (b+1)*parts]
	}
	affine := func(b int) (mul, add []float32) {
		v := elements[float32](e.work[index][momentsBytes:])[b*2*ch:]
		return v[:ch], v[ch : 2*ch]
	}
	block := func(unit int) (b, i, from, to int) { // image, number in it, elements
		b, i = unit/blocks, unit%blocks
		return b, i, (b*pixels + i*size) * ch, (b*pixels + min((i+1)*size, pixels)) * ch
	}
	c.step(batch*blocks, 0, func(_, unit int) {
		b, i, from, to := block(unit)
		norm.GroupMoments(moments(b)[i*groups:(i+1)*groups], e.f32(x)[from:to], ch)
	})
	c.step(batch, 0, func(_, b int) {
		m := moments(b)
		mul, add := affine(b)
		for g := range groups {
			i, j := g*per, (g+1)*per
			norm.GroupAffine(mul[i:j], add[i:j], scale[i:j], shift[i:j], m[g:], groups, pixels*per, op.Eps)
		}
	})
	apply, act := norm.Apply, epilogue(op.Act)
	if op.Act == nn.SiLU {
		apply, act = norm.ApplySiLU, nil
	}
	c.step(batch*blocks, 0, func(_, unit int) {
		b, _, from, to := block(unit)
		mul, add := affine(b)
		dst := e.f32(y)[from:to]
		apply(dst, e.f32(x)[from:to], mul, add)
		if act != nil {
			act(dst)
		}
	})
	return nil
}
