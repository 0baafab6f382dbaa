package unet

import (
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Cut divides the network in two, for caches across steps: a deep part, whose
// result changes little from one step to the next, and the layers around it.
type Cut struct {
	// Skip is the last of the skips that the layers around the deep part compute
	// (Ma et al. 2023, "DeepCache"). It does not count with FirstBlock.
	Skip int
	// FirstBlock takes all that follows the first ResNet block for the deep part.
	// Its result is then what that part adds to the first block's.
	FirstBlock bool
	// Deep leaves the deep part out, and takes its result as one more input of this
	// shape. nil records the whole network, with that result as one more output.
	Deep tensor.Shape
}

// Names of the values that a cut network has in addition: the result of the
// deep part, an image [B,h,w,C], and what the first block adds to its input.
const (
	DeepValue   = "deep"
	ChangeValue = "change"
)

// Skips returns the number of images that the way down leaves for the way up.
func (u *UNet) Skips() int {
	n := len(u.blocks) // conv_in and the downsamplers
	for _, b := range u.blocks {
		n += b.Layers
	}
	return n
}

// cutter is the state of a cut while the network is recorded.
type cutter struct {
	skip       int       // the skip at which the way up is cut, or -1
	firstBlock bool      // the cut is behind the first block
	cached     *nn.Value // the deep part's result where that part is left out
	deep       *nn.Value // its result where it is not
	first      *nn.Value // the first block's result
}

func (r *recorder) startCut(c *Cut) {
	r.cut = cutter{skip: -1}
	if c == nil {
		return
	}
	if r.cut.firstBlock = c.FirstBlock; !c.FirstBlock {
		r.cut.skip = c.Skip
	}
	if c.Deep != nil {
		r.cut.cached = r.G.Input(DeepValue, tensor.F32, c.Deep...)
	}
}

// below reports whether the next layer on the way down is left out.
func (r *recorder) below() bool { return r.cut.cached != nil && len(r.skips) > r.cut.skip }

// enter returns the image that meets the next skip on the way up, nil where
// that is left out.
func (r *recorder) enter(x *nn.Value) *nn.Value {
	r.left--
	switch {
	case r.left == r.cut.skip && r.cut.cached != nil:
		return r.cut.cached
	case r.left == r.cut.skip:
		r.cut.deep = x
	}
	return x // nil above the cut
}

// aroundFirst records the first block and what follows the last one, and
// returns the result: what lies between them is the deep part.
func (r *recorder) aroundFirst(x *nn.Value) *nn.Value {
	first := r.Resnet("down_blocks.0.resnets.0", x, r.temb, r.blocks[0].Channels, r.Config.NormNumGroups, r.Config.NormEps)
	r.G.Output(ChangeValue, r.G.Add(first, r.G.Affine(x, -1, 0)))
	return r.output(r.G.Add(first, r.cut.cached))
}
