package attn

import (
	"math"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// block is a unit of work: some queries of a head, with all its keys.
type block struct {
	*Plan
	q0, rows int
	q, o     []float32 // from the first query of the block on
	ldq, ldo int
	k, v     gemm.Matrix

	keys, values, scores []float32 // packed K, packed V, scores of a tile
	max, sum             []float32 // of each query so far: greatest score, sum of exponentials
}

func (b *block) run(mem []byte) {
	b.keys, mem = scratch.Floats(mem, b.kernel.PanelsLen(b.kb, b.D))
	b.values, mem = scratch.Floats(mem, b.kernel.PanelsLen(b.D, b.kb))
	b.scores, mem = scratch.Floats(mem, b.kernel.MR*b.stride)
	b.max, mem = scratch.Floats(mem, b.rows)
	b.sum, _ = scratch.Floats(mem, b.rows)
	for i := range b.max {
		b.max[i], b.sum[i] = float32(math.Inf(-1)), 0
	}
	last := b.TK
	if b.Causal {
		last = min(last, b.q0+b.rows)
	}
	for k0 := 0; k0 < last; k0 += b.kb {
		k1 := min(k0+b.kb, b.TK)
		b.kernel.Pack(b.keys, b.k, k0, k1, 0, b.D, b.D, nil)
		b.kernel.Pack(b.values, b.v, 0, b.D, k0, k1, k1-k0, nil)
		for i, n := 0, 0; i < b.rows; i += n {
			n = b.kernel.Rows(b.rows - i)
			if b.Causal && b.q0+i < k1-1 {
				b.diagonal(i, n, k0, k1)
				continue
			}
			b.tile(i, n, k0, k1, k1-k0)
		}
	}
	for i, sum := range b.sum {
		scale(b.row(i), 1/sum)
	}
}

// diagonal does the queries i to i+n one by one, as each sees another number of
// the keys k0 to k1.
func (b *block) diagonal(i, n, k0, k1 int) {
	for ; n > 0; i, n = i+1, n-1 {
		if seen := min(k1, b.q0+i+1) - k0; seen > 0 {
			b.tile(i, 1, k0, k1, seen)
		}
	}
}

// tile adds to the queries i to i+n what the first of the packed keys, k0 to
// k1, and their values give. The first seen keys count.
func (b *block) tile(i, n, k0, k1, seen int) {
	t := gemm.Tile{
		Segs: &gemm.Whole, NSeg: 1, Rows: uintptr(n), Cols: uintptr(seen),
		A: unsafe.Pointer(&b.q[i*b.ldq]), LDA: bytes(b.ldq), K: uintptr(b.D),
		B: unsafe.Pointer(&b.keys[0]), PanelStride: bytes(b.D * b.kernel.NR),
		C: unsafe.Pointer(&b.scores[0]), LDC: bytes(b.stride),
	}
	b.kernel.Run(&t)
	for r := range n {
		b.exponentials(i+r, b.scores[r*b.stride:][:b.stride], seen, k0 == 0)
	}
	t = gemm.Tile{
		Segs: &gemm.Whole, NSeg: 1, Rows: uintptr(n), Cols: uintptr(b.D),
		A: t.C, LDA: t.LDC, K: uintptr(seen),
		B: unsafe.Pointer(&b.values[0]), PanelStride: bytes((k1 - k0) * b.kernel.NR),
		C: unsafe.Pointer(&b.o[i*b.ldo]), LDC: bytes(b.ldo),
	}
	if k0 > 0 {
		t.Add, t.LDAdd = t.C, t.LDC
	}
	b.kernel.Run(&t)
}

// exponentials turns the first n scores of query i into their exponentials,
// less the greatest score so far. If that has grown, it scales down what the
// earlier keys gave.
func (b *block) exponentials(i int, scores []float32, n int, first bool) {
	padded := ceilDiv(n, lanes) * lanes
	for j := n; j < padded; j++ {
		scores[j] = float32(math.Inf(-1))
	}
	scores = scores[:padded]
	former := b.max[i]
	b.max[i] = max(former, b.softmax.max(scores))
	shift := b.max[i]
	if math.IsInf(float64(shift), -1) {
		shift = 0 // only scores of -Inf so far: exponentials of 0
	}
	shrink := float32(math.Exp(float64((former - shift) * b.Scale)))
	b.sum[i] = b.sum[i]*shrink + b.softmax.exp(scores, shift, b.Scale)
	if !first && shrink != 1 {
		scale(b.row(i), shrink)
	}
}

func (b *block) row(i int) []float32 { return b.o[i*b.ldo:][:b.D] }

func scale(v []float32, by float32) {
	for i := range v {
		v[i] *= by
	}
}
