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
	c.step(blocks, c.roundingScratch(y, width), func(worker, unit int) {
		src := e.f32(x)
		for r := unit * size; r < min((unit+1)*size, rows); r++ {
			e.write(y, worker, r*width, (r+1)*width, func(dst []float32) {
				norm.Layer(dst, src[r*width:(r+1)*width], scale, shift, op.Eps)
			})
		}
	})
	return nil
}

// affine returns the factor and the offset that GroupNorm applies to each channel of image b.
type affine func(b int) (mul, add []float32)

// groupScale makes that from moments.
type groupScale struct {
	scale, shift []float32
	groups, n    int // n is the elements of a group
	eps          float32
}

func (c *compiler) groupScale(op *nn.GroupNorm, pixels int) (*groupScale, error) {
	scale, err := c.vector(op.Scale)
	if err != nil {
		return nil, err
	}
	shift, err := c.vector(op.Shift)
	if err != nil {
		return nil, err
	}
	return &groupScale{scale, shift, op.Groups, pixels * (len(scale) / op.Groups), op.Eps}, nil
}

// set makes mul and add from the moments of blocks of pixels.
func (s *groupScale) set(mul, add []float32, m []norm.Moments) {
	per := len(mul) / s.groups
	for g := range s.groups {
		i, j := g*per, (g+1)*per
		norm.GroupAffine(mul[i:j], add[i:j], s.scale[i:j], s.shift[i:j], m[g:], s.groups, s.n, s.eps)
	}
}

// groupAffine adds two passes over the image x: the moments of blocks of
// pixels, and what these make of each channel.
func (c *compiler) groupAffine(index int, x *nn.Value, op *nn.GroupNorm) (affine, error) {
	im := imageOf(x)
	s, err := c.groupScale(op, im.pixels)
	if err != nil {
		return nil, err
	}
	parts := im.blocks * op.Groups // moments in an image
	momentsAt := c.reserve(index, im.batch*parts*momentsSize)
	affineAt := c.reserve(index, im.batch*2*im.channels*4)
	moments := func() []norm.Moments { return elements[norm.Moments](momentsAt()) }
	a := func(b int) (mul, add []float32) {
		return halves(elements[float32](affineAt())[b*2*im.channels:][:2*im.channels])
	}
	c.moments(im, x, op.Groups, moments)
	c.step(im.batch, 0, func(_, b int) {
		mul, add := a(b)
		s.set(mul, add, moments()[b*parts:(b+1)*parts])
	})
	return a, nil
}

const momentsSize = int(unsafe.Sizeof(norm.Moments{}))

func halves(v []float32) (a, b []float32) { return v[:len(v)/2], v[len(v)/2:] }

// moments adds a pass that makes those of all blocks of images.
func (c *compiler) moments(im image, x *nn.Value, groups int, dst func() []norm.Moments) {
	e := c.executable
	c.step(im.batch*im.blocks, c.readingScratch(x, im.size*im.channels), func(worker, unit int) {
		from, to := im.block(unit/im.blocks, unit%im.blocks)
		norm.GroupMoments(dst()[unit*groups:(unit+1)*groups], e.read(x, worker, from, to, 0), im.channels)
	})
}

// image is the division of images [B,...,C] into blocks of pixels.
type image struct{ batch, pixels, channels, blocks, size int }

func imageOf(x *nn.Value) image {
	im := image{batch: x.Dim(0), channels: x.Dim(-1)}
	im.pixels = x.Shape().NumElements() / im.batch / im.channels
	if len(x.Shape()) == 4 { // rows, so that moments of parts are those of the whole
		im.blocks, im.size = x.Dim(1), x.Dim(2)
		return im
	}
	im.blocks, im.size = rowBlocks(im.pixels, im.channels)
	return im
}

// block returns the elements of block i of image b.
func (im *image) block(b, i int) (from, to int) {
	return (b*im.pixels + i*im.size) * im.channels, (b*im.pixels + min((i+1)*im.size, im.pixels)) * im.channels
}

// groupNorm adds the passes of groupAffine, and one that applies them.
func (c *compiler) groupNorm(index int, n *nn.Node, op nn.GroupNorm) error {
	x, y, e := n.In[0], n.Out, c.executable
	a, err := c.groupAffine(index, x, &op)
	if err != nil {
		return err
	}
	im, apply := imageOf(x), normalise(op.Act)
	// What is read may lie where what is written is made: apply allows that.
	c.step(im.batch*im.blocks, max(c.roundingScratch(y, im.size*im.channels), c.readingScratch(x, im.size*im.channels)),
		func(worker, unit int) {
			b := unit / im.blocks
			from, to := im.block(b, unit%im.blocks)
			mul, add := a(b)
			e.write(y, worker, from, to, func(dst []float32) { apply(dst, e.read(x, worker, from, to, 0), mul, add) })
		})
	return nil
}

// normalise returns the function that scales, shifts and activates pixels.
func normalise(a nn.Activation) func(dst, src, mul, add []float32) {
	switch act := epilogue(a); {
	case a == nn.SiLU:
		return norm.ApplySiLU
	case act != nil:
		return func(dst, src, mul, add []float32) {
			norm.Apply(dst, src, mul, add)
			act(dst)
		}
	}
	return norm.Apply
}
