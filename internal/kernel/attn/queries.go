package attn

import (
	"math"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// queries is a unit of work: some queries of a head, with all its keys.
type queries struct {
	*Plan
	head, q0, rows int
	packed         []float32

	q, scores, out []float32 // queries as the micro-kernel reads them, scores of a tile, sums of values
	max, sum       []float32 // of each query so far: see scoreTile
	qBase          unsafe.Pointer
	qStride        uintptr
}

func (b *queries) run(mem []byte, o *Operands) {
	b.scores, mem = scratch.Floats(mem, b.kernel.MR*b.stride)
	b.q, mem = scratch.Floats(mem, b.rows*b.width)
	b.out, mem = scratch.Floats(mem, b.rows*b.width)
	b.max, mem = scratch.Floats(mem, b.rows)
	b.sum, _ = scratch.Floats(mem, b.rows*lanes)
	for i := range b.max {
		b.max[i] = -math.MaxFloat32
	}
	clear(b.sum)
	image, column := b.head/b.Heads, b.head%b.Heads*b.D
	row := image*b.TQ + b.q0
	b.readQueries(o.Q, row, column)

	last := b.TK
	if b.Causal {
		last = min(last, b.q0+b.rows)
	}
	for k0 := 0; k0 < last; k0 += b.kb {
		k1 := min(k0+b.kb, b.TK)
		keys, values := b.block(b.packed, b.head, k0/b.kb)
		for i, n := 0, 0; i < b.rows; i += n {
			n = b.kernel.Rows(b.rows - i)
			if b.Causal && b.q0+i < k1-1 {
				b.diagonal(keys, values, i, n, k0, k1)
			} else {
				b.tile(keys, values, i, n, k0, k1, k1-k0)
			}
		}
	}
	b.softmax.divide(b.scoreTile(0, b.rows, 0), o.O, row, column, b.D)
}

// readQueries points to queries in the format of the micro-kernel: in place, or
// converted.
func (b *queries) readQueries(q Rows, row, column int) {
	if b.bf16 {
		q = b.narrow(q, row, column, b.rows, b.q)
		b.qBase, b.qStride = unsafe.Pointer(&q.Data[0]), q.strideBytes()
		return
	}
	if q.Format == convert.F32 && b.Compute == convert.F32 {
		b.qBase, b.qStride = q.at(row, column), q.strideBytes()
		return
	}
	for i := range b.rows {
		convert.ToF32(b.q[i*b.width:][:b.D], q.row(row+i, column, b.D), q.Format)
	}
	if b.Compute == convert.BF16 && q.Format == convert.F32 {
		round(b.q)
	}
	b.qBase, b.qStride = unsafe.Pointer(&b.q[0]), bytes(b.width)
}

// diagonal does the queries i to i+n one by one, as each sees another number of
// the keys k0 to k1.
func (b *queries) diagonal(keys, values []float32, i, n, k0, k1 int) {
	for ; n > 0; i, n = i+1, n-1 {
		if seen := min(k1, b.q0+i+1) - k0; seen > 0 {
			b.tile(keys, values, i, 1, k0, k1, seen)
		}
	}
}

// tile adds to the queries i to i+n what the first of the packed keys, k0 to
// k1, and their values give. The first seen keys count.
func (b *queries) tile(keys, values []float32, i, n, k0, k1, seen int) {
	t := gemm.Tile{
		Segs: &gemm.Whole, NSeg: 1, Rows: uintptr(n), Cols: uintptr(seen),
		A: unsafe.Add(b.qBase, uintptr(i)*b.qStride), LDA: b.qStride, K: uintptr(b.steps(b.D)),
		B: unsafe.Pointer(&keys[0]), PanelStride: bytes(b.steps(b.D) * b.kernel.NR),
		C: unsafe.Pointer(&b.scores[0]), LDC: bytes(b.stride),
	}
	b.multiply(&t)
	weights := b.scoreTile(i, n, seen)
	b.softmax.weigh(weights)
	if b.Compute == convert.BF16 && !b.bf16 {
		for r := range n {
			round(b.scores[r*b.stride:][:seen])
		}
	}
	t = gemm.Tile{
		Segs: &gemm.Whole, NSeg: 1, Rows: uintptr(n), Cols: uintptr(b.D),
		A: t.C, LDA: t.LDC, K: uintptr(b.steps(seen)),
		B: unsafe.Pointer(&values[0]), PanelStride: bytes(b.steps(k1-k0) * b.kernel.NR),
		C: unsafe.Pointer(&b.out[i*b.width]), LDC: bytes(b.width),
	}
	if k0 > 0 {
		t.Add, t.LDAdd = t.C, t.LDC
	}
	b.multiply(&t)
}

func (b *queries) multiply(t *gemm.Tile) {
	if b.bf16 {
		gemm.TileBF16(t)
		return
	}
	b.kernel.Run(t)
}

// scoreTile is the softmax's view of n queries from i on.
func (b *queries) scoreTile(i, n, seen int) scoreTile {
	return scoreTile{
		Scores: &b.scores[0], Stride: bytes(b.stride), Rows: uintptr(n), N: uintptr(seen),
		Max: &b.max[i], Sum: &b.sum[i*lanes],
		Out: &b.out[i*b.width], OutStride: bytes(b.width), OutN: uintptr(b.width),
		Scale: b.Scale * math.Log2E,
	}
}
