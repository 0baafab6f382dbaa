package cpu

import (
	"context"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/internal/spill"
	"github.com/df65613c/easel/nn"
)

// ampleMemory is what a program may take before images are made in parts for
// less. With whole images, the VAE's decoder takes 1.5 GiB for a megapixel in
// float32.
const ampleMemory = 880 << 20

// arrangement is a way to run a program.
type arrangement struct {
	// Bytes of an image that a convolution normalises at a time. Much less costs
	// time, since the weights are packed for each band anew.
	band int
	// Images are made in parts around convolutions that take more than this share
	// of what the values of the whole program take, 0 for none, and a share of
	// those images is dropped: see nn.Streaming.
	cut, drop float64
}

// Each arrangement takes more time than the one before, and mostly less memory.
// The tight ones are for programs with a limit.
var (
	ample = arrangement{band: 24 << 20}
	usual = []arrangement{{24 << 20, 0.55, 0}, {24 << 20, 0.55, 0.125}, {24 << 20, 0.55, 0.25}, {24 << 20, 0.55, 0.375}}
	tight = []arrangement{
		{12 << 20, 0.55, 0.375}, {6 << 20, 0.55, 0.375}, {3 << 20, 0.55, 0.375}, {1 << 20, 0.55, 0.375},
		{1 << 20, 0.55, 0.625}, {1 << 20, 0.3, 0.75}, {1 << 20, 0.3, 1},
	}
	spilling = arrangement{band: 1 << 20}
)

// Compile plans the memory of a program and prepares its kernels.
func (b *Backend) Compile(ctx context.Context, p *nn.Program, opts nn.CompileOptions) (nn.Executable, error) {
	if b.fault != nil {
		return nil, b.fault
	}
	e, err := b.compile(ctx, p, ample, 0)
	if err != nil {
		return nil, err
	}
	values := nn.NewPlan(p, nn.PlanOptions{Bytes: e.bytesOf}).Size
	goal, others := max(b.ample, int64(usual[0].cut*float64(e.footprint.Total()))), usual
	if opts.Memory > 0 {
		goal, others = opts.Memory, append(usual[:len(usual):len(usual)], tight...)
	}
	least := e.footprint.Total()
	for _, a := range others {
		if e.footprint.Total() <= goal {
			break
		}
		next, err := b.compile(ctx, p, a, values)
		if err != nil {
			return nil, err
		}
		if next != nil && next.footprint.Total() < least {
			e, least = next, next.footprint.Total()
		}
	}
	if opts.Memory == 0 || least <= opts.Memory {
		return e, nil
	}
	if opts.Spill && spill.Supported {
		if e, err = b.compile(ctx, p, spilling, 0); err != nil {
			return nil, err
		}
		if e.footprint.Total()-e.footprint.Activations <= opts.Memory {
			e.spill(b.spillTo)
			return e, nil
		}
	}
	return nil, &nn.MemoryError{Limit: opts.Memory, Least: least}
}

// compile prepares a program in one arrangement. values is the bytes of all its
// values. It returns nil if the arrangement gives the same as the ample one.
func (b *Backend) compile(ctx context.Context, p *nn.Program, a arrangement, values int) (*executable, error) {
	e := &executable{
		backend: b, pool: b.pool, profile: b.profile, precision: b.precision, program: p,
		formats: storage(p, b.precision, b.large),
	}
	if a.cut > 0 {
		s := nn.Streaming{Bytes: e.bytesOf, Limit: int(a.cut * float64(values)), Drop: a.drop}
		switch parts, origin := nn.Stream(p, s); {
		case parts != nil:
			e.program, e.formats = parts, partFormats(e.formats, origin)
		case a.band == ample.band:
			return nil, nil
		}
	}
	e.mem = make([][]byte, e.program.Values)
	c := compiler{
		executable: e, workspace: make([]int, len(e.program.Nodes)), band: a.band,
		vectors: make(map[*nn.Weight][]float32), counted: make(map[unsafe.Pointer]bool),
	}
	// Small weights are read here, from files that may be cut short meanwhile.
	err := parallel.Guard(func() error {
		for i := range e.program.Nodes {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := c.node(i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.place(c.workspace, c.scratch)
	return e, nil
}

// partFormats returns the formats of parts of values: those of the values.
func partFormats(formats []convert.Format, origin []int) []convert.Format {
	f := make([]convert.Format, len(origin))
	for id, from := range origin {
		if from >= 0 {
			f[id] = formats[from]
		}
	}
	return f
}
