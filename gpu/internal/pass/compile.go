package pass

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Compile turns a program into passes. In precision F16 weights and values that
// nothing but products reads are halves; sums are in float32 in any case.
func Compile(ctx context.Context, p *nn.Program, precision nn.Precision, l Limits) (*Program, error) {
	c := compiler{
		program: p, limits: l, half: precision == nn.F16,
		formats: make([]kernel.Format, p.Values), work: make([]int, len(p.Nodes)), params: make(map[Param]int),
	}
	c.setFormats()
	for i := range p.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.at, c.node = i, &p.Nodes[i]
		if err := c.compile(); err != nil {
			return nil, fmt.Errorf("%s %s: %w", c.node.Op.Name(), nn.WeightOf(c.node.Op), err)
		}
	}
	return c.place()
}

// compiler collects passes whose operands are relative to values and work spaces.
type compiler struct {
	program *nn.Program
	limits  Limits
	half    bool
	formats []kernel.Format // by ID of root value
	work    []int           // bytes by node
	params  map[Param]int

	at     int // the node that is compiled
	node   *nn.Node
	stages []draft
	out    Program
}

type draft struct {
	host   *Host
	in     *nn.Value // of host
	result *nn.Value
	passes []draftPass
}

type draftPass struct {
	Pass
	args []operand
}

type kind uint8

const (
	nothing kind = iota
	value
	workspace
	parameter
)

// operand is a range of a value, of a node's work space, or of a parameter.
type operand struct {
	kind   kind
	id     int
	offset int64 // bytes
	size   int64
	format kernel.Format
	write  bool
}

// none is an operand that a variant does not use.
var none operand

// setFormats keeps values as halves that nothing but products reads, and that what
// makes them bounds: the others, such as the sums that run through a network, can be
// greater than a half.
func (c *compiler) setFormats() {
	if !c.half {
		return
	}
	wide := make([]bool, c.program.Values)
	for _, o := range c.program.Outputs {
		wide[o.Value.Root().ID()] = true
	}
	for i := range c.program.Nodes {
		n := &c.program.Nodes[i]
		for k, v := range n.In {
			if !readsHalves(n.Op, k) || v.Dim(-1)%2 != 0 {
				wide[v.Root().ID()] = true
			}
		}
	}
	for i := range c.program.Nodes {
		n := &c.program.Nodes[i]
		if writesHalves(n) && n.Out.Dim(-1)%2 == 0 && !wide[n.Out.ID()] {
			c.formats[n.Out.ID()] = kernel.F16
		}
	}
}

func readsHalves(op nn.Op, k int) bool {
	switch op := op.(type) {
	case nn.Linear, nn.UpsampleConv2D:
		return k == 0
	case nn.Conv2D:
		return k == 0 && op.Norm == nil && op.Window() == nil
	case nn.Attention:
		return true
	}
	return false
}

func writesHalves(n *nn.Node) bool {
	switch op := n.Op.(type) {
	case nn.LayerNorm, nn.GEGLU:
		return true
	case nn.Linear:
		return !op.HasResidual()
	case nn.Attention:
		return n.Out.Dim(-1)/op.Heads%2 == 0
	}
	return false
}

func (c *compiler) format(v *nn.Value) kernel.Format { return c.formats[v.Root().ID()] }

// bytes returns the size of a value as it is kept.
func (c *compiler) bytes(v *nn.Value) int {
	if c.format(v) == kernel.F16 {
		return kernel.F16.Bytes(v.Shape().NumElements())
	}
	return v.Bytes()
}

// part is n elements of a value from one on.
func (c *compiler) part(v *nn.Value, from, n int) operand {
	f := c.format(v)
	return operand{value, v.Root().ID(), int64(f.Bytes(from)), int64(f.Bytes(n)), f, false}
}

// all is a whole value.
func (c *compiler) all(v *nn.Value) operand { return c.part(v, 0, v.Shape().NumElements()) }

// raw is a whole value as words, of whatever type.
func (c *compiler) raw(v *nn.Value) operand {
	return operand{kind: value, id: v.Root().ID(), size: int64(v.Bytes())}
}

// to returns the operand as one that is written.
func (o operand) to() operand { o.write = true; return o }

// reserve adds to the work space of the node.
func (c *compiler) reserve(n int, f kernel.Format) operand {
	from := (c.work[c.at] + Align - 1) &^ (Align - 1)
	c.work[c.at] = from + f.Bytes(n)
	return operand{workspace, c.at, int64(from), int64(f.Bytes(n)), f, false}
}

// sub is n elements of an operand from one on.
func (o operand) sub(from, n int) operand {
	o.offset += int64(o.format.Bytes(from))
	o.size = int64(o.format.Bytes(n))
	return o
}

// param returns a weight as an operand; nil is none.
func (c *compiler) param(p Param) (operand, error) {
	if p.Weight == nil {
		return none, nil
	}
	if p.Bytes() > c.limits.Range {
		return none, fmt.Errorf("weight %s takes %d MiB, and the device binds %d at a time", p.Weight.Name,
			p.Bytes()>>20, c.limits.Range>>20)
	}
	i, ok := c.params[p]
	if !ok {
		i = len(c.out.Params)
		c.params[p] = i
		c.out.Params = append(c.out.Params, p)
	}
	return operand{parameter, i, 0, p.Bytes(), p.Format, false}, nil
}

// vector returns a weight that is no factor of a product.
func (c *compiler) vector(w *nn.Weight) (operand, error) { return c.param(Param{Weight: w}) }

// vectors returns two of them.
func (c *compiler) vectors(a, b *nn.Weight) (x, y operand, err error) {
	if x, err = c.vector(a); err == nil {
		y, err = c.vector(b)
	}
	return x, y, err
}

// matrix returns a weight of products: halves stay so, others are widened, or are
// rounded where that is the precision.
func (c *compiler) matrix(w *nn.Weight, isKernel bool) (operand, error) {
	if err := w.CheckScale(); err != nil {
		return none, err
	}
	f := kernel.F32
	if c.half || w.DType == tensor.F16 {
		f = kernel.F16
	}
	return c.param(Param{w, isKernel, f})
}

// emit adds a pass. Parameters are integers or float32.
func (c *compiler) emit(k kernel.ID, spec []uint32, groups int, flops float64, args []operand, params ...any) {
	p := draftPass{args: args}
	p.Op, p.Weight, p.Groups, p.FLOPs = c.node.Op.Name(), nn.WeightOf(c.node.Op), groups, flops
	p.Variant.Kernel = k
	copy(p.Variant.Spec[:], spec)
	for _, v := range params {
		switch v := v.(type) {
		case int:
			p.Params = append(p.Params, uint32(int32(v)))
		case float32:
			p.Params = append(p.Params, math.Float32bits(v))
		}
	}
	for k.Bindings()+1+len(p.Params) < k.Words() {
		p.Params = append(p.Params, 0)
	}
	if len(c.stages) == 0 {
		c.stages = append(c.stages, draft{})
	}
	s := &c.stages[len(c.stages)-1]
	s.passes = append(s.passes, p)
}

// rows returns how many of the rows of a pass it can do at once, of which each takes
// a number of bytes in the largest binding and a number of FLOPs.
func (c *compiler) rows(total int, bytes int64, flops float64) int {
	n := int64(total)
	if bytes > 0 {
		n = min(n, (c.limits.Range-Align)/bytes)
	}
	if c.limits.FLOPs > 0 && flops > 0 {
		n = min(n, int64(c.limits.FLOPs/flops))
	}
	return int(max(1, n))
}

func ceil(a, b int) int { return (a + b - 1) / b }

// place gives all operands their place in the slab.
func (c *compiler) place() (*Program, error) {
	plan := nn.NewPlan(c.program, nn.PlanOptions{Bytes: c.bytes, Workspace: c.work, Align: Align, Unordered: true})
	end := int64(plan.Size)
	offsets := make([]int64, c.program.Values)
	for i, off := range plan.Offset {
		offsets[i] = int64(off)
	}
	outside := func(named []nn.Named) (regions []Region) {
		for _, n := range named {
			r := Region{end, int64(c.bytes(n.Value))}
			offsets[n.Value.ID()] = end
			end += (r.Size + Align - 1) &^ (Align - 1)
			regions = append(regions, r)
		}
		return regions
	}
	c.out.Inputs, c.out.Outputs = outside(c.program.Inputs), outside(c.program.Outputs)
	c.out.Blank, c.out.Slab = end, end+Align
	if c.out.Slab > c.limits.Slab {
		return nil, &nn.MemoryError{Limit: c.limits.Slab, Least: c.out.Slab}
	}
	for _, d := range c.stages {
		var s Stage
		if d.host != nil {
			s.Host = d.host
			s.Host.In = Region{offsets[d.in.Root().ID()], int64(d.in.Bytes())}
			s.Host.Out = Region{offsets[d.result.ID()], int64(d.result.Bytes())}
		}
		for _, p := range d.passes {
			for _, o := range p.args {
				a := Arg{Param: -1, Region: Region{o.offset, o.size}, Format: o.format, Write: o.write}
				switch o.kind {
				case value:
					a.Offset += offsets[o.id]
				case workspace:
					a.Offset += int64(plan.Workspace[o.id])
				case parameter:
					a.Param = o.id
				}
				if a.Size > c.limits.Range {
					return nil, fmt.Errorf("%s %s: an operand of %d MiB, and the device binds %d at a time", p.Op, p.Weight,
						a.Size>>20, c.limits.Range>>20)
				}
				p.Args = append(p.Args, a)
			}
			s.Passes = append(s.Passes, p.Pass)
		}
		c.out.Stages = append(c.out.Stages, s)
	}
	return &c.out, nil
}
