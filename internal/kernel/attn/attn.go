// Package attn computes attention without storing the scores, in float32 or
// in bfloat16 with sums in float32.
//
// Keys and values are packed once for all queries; that first pass may be left
// out while they stay the same. The softmax runs along blocks of keys, each new
// block rescaling what the earlier ones gave: Milakov and Gimelshein, Online
// normalizer calculation for softmax, 2018; Dao et al., FlashAttention, 2022.
package attn

import (
	"fmt"
	"math"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// Shape is the shape of an attention.
type Shape struct {
	B, Heads, TQ, TK int
	D                int     // length of a head
	Causal           bool    // query i sees keys 0 to i
	Scale            float32 // of the scores, positive; 0 is 1/sqrt(D)

	// Compute is F32, or BF16: queries, keys, values and weights are rounded
	// to it, products summed in float32. A causal attention is F32 anyway.
	Compute convert.Format
}

// Plan divides an attention into units of work. It holds no operands, and is
// safe for concurrent use. A row of the output depends on its query, on the
// keys and values, and on nothing else, bit by bit.
type Plan struct {
	Shape
	kernel  gemm.Kernel
	softmax softmax
	bf16    bool // the micro-kernel takes pairs of bfloat16
	qb, kb  int  // queries in a unit, keys in a block
	stride  int  // values from one row of scores to the next
	width   int  // D, filled up to whole lines
}

const (
	blockValues = 65536 // keys x head length in a block: both packed forms stay in the second cache
	minKeys     = 64
	maxKeys     = 512
	unitQueries = 256
	longHead    = 128 // units with longer heads have fewer queries
	lanes       = 16  // of the widest vectors
	line        = 32  // values in the widest line of a panel
)

// NewPlan divides an attention for the instruction set in use. It panics if the
// shape is impossible.
func NewPlan(s Shape) *Plan {
	if min(s.B, s.Heads, s.TQ) < 0 || s.TK < 1 || s.D < 1 || !(s.Scale >= 0) || s.Compute == convert.F16 {
		panic(fmt.Sprintf("attn: bad shape %+v", s))
	}
	if s.Scale == 0 {
		s.Scale = float32(1 / math.Sqrt(float64(s.D)))
	}
	if s.Causal {
		s.Compute = convert.F32
	}
	p := &Plan{Shape: s, kernel: gemm.Current(), width: roundUp(s.D, line)}
	p.bf16 = s.Compute == convert.BF16 && cpu.BF16() && p.kernel.NR == line
	p.softmax = currentSoftmax(p.bf16)
	p.kb = roundUp(min(s.TK, max(minKeys, min(maxKeys, blockValues/s.D/line*line))), line)
	queries := unitQueries
	if s.D > longHead {
		queries /= 2
	}
	p.qb = max(1, min(s.TQ, queries/p.kernel.MR*p.kernel.MR))
	p.stride = p.kb + lanes // odd in cache lines: rows fall into different sets
	return p
}

// PackUnits returns the number of units of the first pass, which packs keys and
// values. They may run in any order and at the same time.
func (p *Plan) PackUnits() int { return p.B * p.Heads * p.blocks() }

// PackSize returns the bytes of packed keys and values.
func (p *Plan) PackSize() int { return scratch.Size(p.PackUnits() * p.blockLen()) }

// PackScratchSize returns the bytes of scratch memory that a worker needs in
// the first pass.
func (p *Plan) PackScratchSize() int { return scratch.Size(p.kb * p.width / 2) }

// Units returns the number of units of the second pass, which may run in any
// order and at the same time once the first is done.
func (p *Plan) Units() int { return p.B * p.Heads * ceilDiv(p.TQ, p.qb) }

// ScratchSize returns the bytes of scratch memory that a worker needs in the
// second pass.
func (p *Plan) ScratchSize() int {
	return scratch.Size(p.kernel.MR*p.stride, p.qb*p.width, p.qb*p.width, p.qb, p.qb*lanes)
}

// blocks returns the number of blocks of keys.
func (p *Plan) blocks() int { return ceilDiv(p.TK, p.kb) }

// steps returns the steps of the micro-kernel in a sum over n.
func (p *Plan) steps(n int) int {
	if p.bf16 {
		return (n + 1) / 2
	}
	return n
}

// keysLen and valuesLen are the lengths of the packed keys and values of a block.
func (p *Plan) keysLen() int   { return p.kernel.PanelsLen(p.kb, p.steps(p.D)) }
func (p *Plan) valuesLen() int { return p.kernel.PanelsLen(p.D, p.steps(p.kb)) }
func (p *Plan) blockLen() int  { return p.keysLen() + p.valuesLen() }

// block returns a block of packed keys and values of a head.
func (p *Plan) block(packed []float32, head, block int) (keys, values []float32) {
	b := packed[(head*p.blocks()+block)*p.blockLen():][:p.blockLen()]
	return b[:p.keysLen()], b[p.keysLen():]
}

// Run does one unit of the second pass. It allocates nothing.
func (p *Plan) Run(unit int, packed, mem []byte, o *Operands) {
	p.check(o)
	units := ceilDiv(p.TQ, p.qb)
	q0, head := unit%units*p.qb, unit/units
	b := queries{Plan: p, head: head, q0: q0, rows: min(p.qb, p.TQ-q0)}
	b.packed, _ = scratch.Floats(packed, p.PackUnits()*p.blockLen())
	b.run(mem, o)
}

func bytes(floats int) uintptr { return uintptr(4 * floats) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(n, to int) int { return ceilDiv(n, to) * to }
