// Package winograd convolves images with kernels of 3x3 in float32 by a quarter
// of the multiplications: tiles of 4x4 pixels of the output are products of
// transformed tiles of the input, 6x6, with transformed kernels. Lavin and Gray,
// Fast Algorithms for Convolutional Neural Networks, 2016.
//
// The work goes in phases. One transforms a stretch of the input; the next
// transforms kernels as it needs them, multiplies, and transforms back. So
// neither the whole input nor the weights exist in transformed form.
//
// Products are in float32 ([NewPlan]), or of transforms rounded to bfloat16
// ([NewPlanBF16]). Rounding errors are about three times those of the direct sum
// in float32, and up to five times with bfloat16. Within a tile a NaN may
// spread, and an infinity may become one.
package winograd

import (
	"fmt"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// Plan divides a convolution into phases of units of work. It holds no
// operands, and is safe for concurrent use. The value of a pixel does not depend
// on the batch or on its place in a unit.
type Plan struct {
	conv.Shape
	kernel gemm.Kernel
	level  cpu.Level // of the transforms
	narrow bool      // operands are bfloat16, and so are factors of products

	depth int // steps of the kernel in the sum over input channels

	outH                    int
	across, perImage, tiles int // tiles in a row, an image, all
	stretch                 int // tiles in two phases
	block                   int // tiles that are multiplied at a time
	blocks                  int // of tiles in a unit
	channels                int // output channels in a unit
	ib                      int // steps in a block of the sum
	fb                      int // input channels whose kernels are transformed at a time
	stride                  int // values from one transformed tile to the next
	order                   []uint32
}

const (
	stretchBytes  = 12 << 20 // of transformed input: some of it stays in the last cache
	leastStretch  = 256      // tiles for which transforming the kernels pays
	leastTiles    = 16       // below, transforming the kernels takes longest
	leastChannels = 16       // below, transforming the image does
	someUnits     = 16
	inputTiles    = 16  // in a unit that transforms input
	maxBlockK     = 160 // short sums round less: three quarters of the error at 640
	maxBlockPairs = 640 // in bfloat16 that shows no more
	manySteps     = 1280
)

// TileRows is the height of a tile: parts of an image that begin at multiples
// of it give the bytes that the whole gives.
const TileRows = tile

// Supports reports whether a shape is of the kind that a plan can do: 3x3,
// stride 1, padded by 1 at the sides, and by 1 or not above and below.
func Supports(s conv.Shape) bool {
	return s.KH == 3 && s.KW == 3 && s.Stride == 1 && s.PadL == 1 && s.PadR == 1 &&
		max(s.PadT, s.PadB) <= 1 && min(s.PadT, s.PadB) >= 0 && min(s.B, s.OutH(), s.W, s.CI, s.CO) > 0
}

// Profitable reports whether a plan should be quicker than a direct convolution.
// That does not depend on the batch, for a pixel not to either.
func Profitable(s conv.Shape) bool {
	if !Supports(s) {
		return false
	}
	tiles := ceilDiv(s.OutH(), tile) * ceilDiv(s.W, tile)
	return tiles >= leastTiles && min(s.CI, s.CO) >= leastChannels
}

// NewPlan divides a convolution for the instruction set in use. It panics unless
// the shape is supported.
func NewPlan(s conv.Shape) *Plan { return newPlan(s, gemm.Current(), maxBlockK) }

// NewPlanBF16 divides a convolution of an image in bfloat16. Its transform and
// that of the kernels are rounded to bfloat16; Add and Y may each be float32 or
// bfloat16.
func NewPlanBF16(s conv.Shape) *Plan {
	k := s.CI
	if k%lanes != 0 || cpu.Current() != cpu.AVX512 {
		k = 1 // pairs are made by whole vectors, which only that level has transforms of
	}
	p := newPlan(s, gemm.CurrentBF16(k), maxBlockPairs)
	p.narrow = true
	return p
}

func newPlan(s conv.Shape, kn gemm.Kernel, mostSteps int) *Plan {
	if !Supports(s) {
		panic(fmt.Sprintf("winograd: shape %+v is not a 3x3 convolution of stride 1, padded by 1", s))
	}
	p := &Plan{Shape: s, kernel: kn, level: cpu.Current(), depth: kn.Steps(s.CI)}
	p.across = ceilDiv(s.W, tile)
	p.outH = s.OutH()
	p.perImage = p.across * ceilDiv(p.outH, tile)
	p.tiles = s.B * p.perImage
	p.stride = roundUp(p.depth, lanes) + lanes // odd in cache lines: tiles fall into different sets
	p.block, p.channels = 8*p.kernel.MR, 2*p.kernel.NR
	if p.depth > manySteps {
		p.block, p.channels = 4*p.kernel.MR, p.kernel.NR
	}
	p.channels = min(p.channels, roundUp(s.CO, p.kernel.NR))

	most := max(leastStretch, stretchBytes/(4*spots*p.stride))
	p.stretch = roundUp(ceilDiv(p.tiles, ceilDiv(p.tiles, most)), p.block)
	groups := max(1, min(ceilDiv(someUnits, p.columns()), p.stretch/(leastStretch/2)))
	p.blocks = ceilDiv(p.stretch/p.block, groups)
	p.ib = roundUp(ceilDiv(p.depth, ceilDiv(p.depth, mostSteps)), lanes)
	p.fb = min(s.CI, lanes)
	p.order = make([]uint32, p.fb*9) // the weight is [CO][CI][tap]; in a panel it is [tap][CI]
	for i := range p.order {
		p.order[i] = uint32(i%9*p.fb + i/9)
	}
	return p
}

// columns returns the number of blocks of output channels.
func (p *Plan) columns() int { return ceilDiv(p.CO, p.channels) }

// Phases returns the number of phases, each of which begins once the former is
// done.
func (p *Plan) Phases() int { return 2 * ceilDiv(p.tiles, p.stretch) }

// Units returns the number of units of work of a phase, which may run in any
// order and at the same time.
func (p *Plan) Units(phase int) int {
	from, to := p.tilesOf(phase)
	if phase%2 == 0 {
		return ceilDiv(to-from, inputTiles)
	}
	return p.columns() * ceilDiv(to-from, p.blocks*p.block)
}

// tilesOf returns the first tile of a phase, and the one after its last.
func (p *Plan) tilesOf(phase int) (from, to int) {
	from = phase / 2 * p.stretch
	return from, min(from+p.stretch, p.tiles)
}

// spotLen is the values from one spot of a block of transformed tiles to the
// next; a line more than they take keeps the spots in different sets of a cache.
func (p *Plan) spotLen() int     { return p.block*p.stride + lanes }
func (p *Plan) productsLen() int { return p.block*p.channels + lanes }

// filterLen is the length of the panels of one spot of the kernels of a unit.
func (p *Plan) filterLen() int { return p.channels*p.depth + lanes }

// WorkspaceSize returns the bytes that workers share: the transformed input of
// a phase.
func (p *Plan) WorkspaceSize() int { return scratch.Size(p.stretch / p.block * spots * p.spotLen()) }

// ScratchSize returns the bytes of scratch memory that a worker needs in every phase.
func (p *Plan) ScratchSize() int {
	return scratch.Size(middleLen, spots*max(p.CI, p.filterLen()),
		len(p.order)*p.kernel.NR, spots*p.productsLen(), p.channels, tile*tile*p.channels)
}

// Run does one unit of work of a phase. It allocates nothing.
func (p *Plan) Run(phase, unit int, workspace, mem []byte, o *conv.Operands) {
	p.check(o)
	shared, _ := scratch.Floats(workspace, p.stretch/p.block*spots*p.spotLen())
	from, to := p.tilesOf(phase)
	u := worker{Plan: p, o: o, shared: shared, first: from}
	u.middle, mem = scratch.Floats(mem, middleLen)
	if phase%2 == 0 {
		u.from = from + unit*inputTiles
		u.to = min(u.from+inputTiles, to)
		u.transformInput(mem)
		return
	}
	u.c0 = unit % p.columns() * p.channels
	u.c1 = min(u.c0+p.channels, p.CO)
	u.from = from + unit/p.columns()*p.blocks*p.block
	u.to = min(u.from+p.blocks*p.block, to)
	u.multiply(mem)
}

// check panics if an operand is too short for the kernels, which do not look.
func (p *Plan) check(o *conv.Operands) {
	out := p.B * p.outH * p.W * p.CO
	if p.narrow {
		need("X16", o.X16, p.B*p.H*p.W*p.CI)
		either("Y", o.Y, o.Y16, out)
	} else {
		need("X", o.X, p.B*p.H*p.W*p.CI)
		need("Y", o.Y, out)
		if o.X16 != nil || o.Add16 != nil || o.Y16 != nil {
			panic("winograd: operands in bfloat16 in a plan of NewPlan; NewPlanBF16 takes them")
		}
	}
	if o.Bias != nil {
		need("Bias", o.Bias, p.CO)
	}
	if o.ChannelBias != nil {
		need("ChannelBias", o.ChannelBias, p.B*p.CO)
	}
	if o.Add != nil || o.Add16 != nil {
		either("Add", o.Add, o.Add16, out)
	}
	if o.W == nil {
		panic("winograd: no weight")
	}
}

func need[T float32 | uint16](name string, v []T, n int) {
	if len(v) < n {
		panic(fmt.Sprintf("winograd: %s has %d values, %d are needed", name, len(v), n))
	}
}

// either panics unless one of v and v16 is given, and has n values.
func either(name string, v []float32, v16 []uint16, n int) {
	if v != nil && v16 != nil {
		panic(fmt.Sprintf("winograd: %s is given in float32 and in bfloat16", name))
	}
	if v16 != nil {
		need(name, v16, n)
		return
	}
	need(name, v, n)
}

func bytes(floats int) uintptr { return uintptr(4 * floats) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(n, to int) int { return ceilDiv(n, to) * to }
