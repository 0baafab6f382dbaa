package cpu

import (
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/nn"
)

// storage says in which format each value that owns memory is kept, by ID.
//
// In reduced precision a value is kept in bfloat16 if all that read it are
// products, which round it so anyway, and what makes it can write it so. The
// others, such as the sums that run through a network, stay in float32, but for
// images from the size of large on, whose readers then have a little less to read.
func storage(p *nn.Program, precision nn.Precision, large int) []convert.Format {
	formats := make([]convert.Format, p.Values)
	if !narrow(precision) {
		return formats
	}
	wide := make([]bool, p.Values)   // read by something that does not round
	always := make([]bool, p.Values) // or that can't read it otherwise
	for _, o := range p.Outputs {
		always[o.Value.Root().ID()] = true
	}
	for _, n := range p.Nodes {
		for i, v := range n.In {
			id := v.Root().ID()
			wide[id] = wide[id] || !readsRounded(n.Op, i)
			always[id] = always[id] || !readsNarrow(n.Op, i)
		}
	}
	for _, n := range p.Nodes {
		id := n.Out.ID()
		if !always[id] && writesRounded(n.Op) && (!wide[id] || n.Out.Bytes() >= large) {
			formats[id] = convert.BF16
		}
	}
	return formats
}

// largeImage is the size in float32 from which images are kept in bfloat16 in
// reduced precision: in the decoder of a megapixel, all of its second half.
const largeImage = 64 << 20

// readsNarrow reports whether an operation can read operand i in bfloat16.
func readsNarrow(op nn.Op, i int) bool {
	switch op := op.(type) {
	case nn.Conv2D:
		return i != 1 || !op.HasChannelBias()
	case nn.GroupNorm:
		return true
	}
	return readsRounded(op, i)
}

// readsRounded reports whether an operation takes operand i to bfloat16 first.
func readsRounded(op nn.Op, i int) bool {
	switch op := op.(type) {
	case nn.Linear, nn.UpsampleConv2D:
		return i == 0
	case nn.Conv2D:
		return i == 0 && op.Norm == nil
	case nn.Attention:
		return true
	}
	return false
}

// writesRounded reports whether an operation can give its result in bfloat16.
func writesRounded(op nn.Op) bool {
	switch op.(type) {
	case nn.Linear, nn.Conv2D, nn.UpsampleConv2D, nn.Attention, nn.LayerNorm, nn.GroupNorm, nn.GEGLU:
		return true
	}
	return false
}

// roundingScratch returns the bytes of scratch memory that write takes for n
// elements of a value.
func (c *compiler) roundingScratch(v *nn.Value, n int) int {
	if c.formats[v.ID()] == convert.F32 {
		return 0
	}
	return 4 * n
}

// write lets f make some elements of a value, and rounds them if the value is
// kept so.
func (e *executable) write(v *nn.Value, worker, from, to int, f func(dst []float32)) {
	id := v.ID()
	format := e.formats[id]
	if format == convert.F32 {
		f(e.f32(v)[from:to])
		return
	}
	wide := elements[float32](e.scratch[worker])[:to-from]
	f(wide)
	convert.FromF32(e.mem[id][from*format.Size():to*format.Size()], wide, format)
}

// read returns some elements of a value, widened if the value is not kept in
// float32, in a part of the worker's scratch memory that begins a number of
// elements in.
func (e *executable) read(v *nn.Value, worker, from, to, scratch int) []float32 {
	p := e.pixels(v)
	if p.narrow == nil {
		return p.wide[from:to]
	}
	wide := elements[float32](e.scratch[worker])[scratch:][:to-from]
	convert.WidenBF16(wide, p.narrow[from:to])
	return wide
}

// readingScratch returns the bytes of scratch memory that read takes for n
// elements of a value.
func (c *compiler) readingScratch(v *nn.Value, n int) int {
	if c.formats[v.Root().ID()] == convert.F32 {
		return 0
	}
	return 4 * n
}

// either returns the elements of a value in the format in which it is kept, and
// nil for the other.
func (e *executable) either(v *nn.Value) (wide []float32, narrow []uint16) {
	if id := v.Root().ID(); e.formats[id] == convert.BF16 {
		return nil, elements[uint16](e.mem[id])
	}
	return e.f32(v), nil
}
