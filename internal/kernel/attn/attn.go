// Package attn computes attention in float32 without storing the scores.
//
// The softmax runs along blocks of keys, each new block rescaling what the
// earlier ones gave: Milakov and Gimelshein, Online normalizer calculation for
// softmax, 2018; Dao et al., FlashAttention, 2022.
package attn

import (
	"fmt"
	"math"
	"unsafe"

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
}

// Plan divides an attention into units of work. It holds no operands, and is
// safe for concurrent use. A row of the output depends on its query, on the
// keys and values, and on nothing else, bit by bit.
type Plan struct {
	Shape
	kernel  gemm.Kernel
	softmax softmax
	qb, kb  int // queries in a unit, keys in a block
	stride  int // values from one row of scores to the next
}

const (
	blockValues = 32768 // keys x head length in a block: both packed forms stay in the second cache
	minKeys     = 64
	maxKeys     = 512
	longHead    = 128 // units with longer heads have fewer queries
	lanes       = 16  // of the widest vectors
)

// NewPlan divides an attention for the instruction set in use. It panics if the
// shape is impossible.
func NewPlan(s Shape) *Plan {
	if min(s.B, s.Heads, s.TQ) < 0 || s.TK < 1 || s.D < 1 || !(s.Scale >= 0) {
		panic(fmt.Sprintf("attn: bad shape %+v", s))
	}
	if s.Scale == 0 {
		s.Scale = float32(1 / math.Sqrt(float64(s.D)))
	}
	p := &Plan{Shape: s, kernel: gemm.Current(), softmax: currentSoftmax()}
	p.kb = min(max(minKeys, min(maxKeys, blockValues/s.D/32*32)), s.TK)
	p.qb = p.kernel.BlockRows / 2
	if s.D > longHead {
		p.qb /= 2
	}
	p.qb = max(1, min(s.TQ, p.qb))
	p.stride = ceilDiv(p.kb, lanes)*lanes + lanes // odd in lines: rows fall into different sets
	return p
}

// Units returns the number of units of work, which may run in any order and at
// the same time.
func (p *Plan) Units() int { return p.B * p.Heads * ceilDiv(p.TQ, p.qb) }

// ScratchSize returns the bytes of scratch memory that a worker needs.
func (p *Plan) ScratchSize() int {
	return scratch.Size(p.kernel.PanelsLen(p.kb, p.D), p.kernel.PanelsLen(p.D, p.kb), p.kernel.MR*p.stride, p.qb, p.qb)
}

// Operands are the tensors of one attention, with the heads side by side in a
// row. LDQ, LDK, LDV and LDO are the values from one row to the next.
type Operands struct {
	Q   []float32 // [B,TQ,Heads*D]
	LDQ int
	K   []float32 // [B,TK,Heads*D]
	LDK int
	V   []float32 // [B,TK,Heads*D]
	LDV int
	O   []float32 // [B,TQ,Heads*D]; must not overlap the others
	LDO int
}

// check panics if an operand is too short for the kernels, which do not look.
func (p *Plan) check(o *Operands) {
	p.need("Q", o.Q, p.TQ, o.LDQ)
	p.need("K", o.K, p.TK, o.LDK)
	p.need("V", o.V, p.TK, o.LDV)
	p.need("O", o.O, p.TQ, o.LDO)
}

func (p *Plan) need(name string, v []float32, length, stride int) {
	rows, width := p.B*length, p.Heads*p.D
	if stride < width {
		panic(fmt.Sprintf("attn: rows of %s are %d values apart, but %d long", name, stride, width))
	}
	if n := (rows-1)*stride + width; len(v) < n {
		panic(fmt.Sprintf("attn: %s has %d values, %d are needed", name, len(v), n))
	}
}

// Run does one unit of work. It allocates nothing.
func (p *Plan) Run(unit int, mem []byte, o *Operands) {
	p.check(o)
	blocks := ceilDiv(p.TQ, p.qb)
	q0, head, image := unit%blocks*p.qb, unit/blocks%p.Heads, unit/blocks/p.Heads
	b := block{Plan: p, rows: min(p.qb, p.TQ-q0), q0: q0}
	b.q, b.ldq = o.Q[(image*p.TQ+q0)*o.LDQ+head*p.D:], o.LDQ
	b.o, b.ldo = o.O[(image*p.TQ+q0)*o.LDO+head*p.D:], o.LDO
	b.k = matrix(o.K[image*p.TK*o.LDK+head*p.D:], o.LDK, 1)
	b.v = matrix(o.V[image*p.TK*o.LDV+head*p.D:], 1, o.LDV)
	b.run(mem)
}

func matrix(v []float32, rowStride, colStride int) gemm.Matrix {
	return gemm.Matrix{Data: unsafe.Pointer(&v[0]), Format: convert.F32, RowStride: rowStride, ColStride: colStride}
}

func bytes(floats int) uintptr { return uintptr(4 * floats) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
