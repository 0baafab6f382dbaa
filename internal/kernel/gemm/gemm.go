// Package gemm multiplies matrices in float32 with the weights of linear
// layers, which may be F32, F16 or BF16 in memory.
//
// The product is cut into blocks of rows and columns that are independent of
// the number of threads. For each block the weight is packed into panels in
// scratch memory, and micro-kernels (see [Tile]) run over tiles of rows. The
// scheme is that of Goto and van de Geijn, Anatomy of High-Performance Matrix
// Multiplication, 2008.
package gemm

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/scratch"
)

// Plan divides the product
//
//	C[M,N] = A[M,K] W[N,K]^T + bias[N] + add[M,N]
//
// into units of work. It holds no operands, and is safe for concurrent use.
//
// An element of C is a sum in float32 over blocks of k; the blocks depend on K
// alone. So a row of C depends on its row of A and on nothing else, bit by bit.
type Plan struct {
	m, n, k    int
	mb, nb, kb int // a unit is mb rows by nb columns; k is taken kb at a time
	kernel     Kernel
}

const (
	maxBlockK   = 640 // a tile of A stays in the first cache
	blockPanels = 5   // panels in a unit: with maxBlockK they stay in the second cache
	manyUnits   = 64  // enough for the work to spread evenly
	someUnits   = 16
)

// NewPlan divides a product for the instruction set in use.
func NewPlan(m, n, k int) *Plan {
	if m < 0 || n < 0 || k < 0 {
		panic(fmt.Sprintf("gemm: negative size in %d x %d x %d", m, n, k))
	}
	p := &Plan{m: m, n: n, k: k, kernel: Current()}
	p.kb = BlockK(k)
	p.nb = BlockColumns(p.kernel, n)
	perColumn := ceilDiv(manyUnits, max(1, ceilDiv(n, p.nb)))
	p.mb = min(max(ceilDiv(m, perColumn), p.kernel.BlockRows), p.kernel.MaxBlockRows)
	p.mb = roundUp(p.mb, p.kernel.MR)
	if p.Units() < someUnits {
		p.nb = min(p.nb, max(2*p.kernel.NR, roundUp(n/someUnits, p.kernel.NR)))
	}
	return p
}

// BlockK returns the length of the blocks that a sum over k is divided into.
func BlockK(k int) int {
	return max(1, min(k, roundUp(ceilDiv(k, max(1, ceilDiv(k, maxBlockK))), 16)))
}

// BlockColumns returns the columns of a unit of work.
func BlockColumns(kn Kernel, n int) int {
	blocks := max(1, ceilDiv(n, blockPanels*kn.NR))
	return max(kn.NR, roundUp(ceilDiv(n, blocks), kn.NR))
}

// Units returns the number of units of work, which may run in any order and at
// the same time.
func (p *Plan) Units() int { return ceilDiv(p.m, p.mb) * ceilDiv(p.n, p.nb) }

// ScratchSize returns the bytes of scratch memory that a worker needs.
func (p *Plan) ScratchSize() int { return scratch.Size(p.kernel.PanelsLen(p.nb, p.kb)) }

// Operands are the matrices of one product.
type Operands struct {
	A     []float32 // [M,K]
	LDA   int       // from one row of A to the next
	W     Matrix    // [N,K]
	Bias  []float32 // [N], or nil
	Add   []float32 // [M,N] or nil; may be C
	LDAdd int
	C     []float32 // [M,N]; must not overlap A
	LDC   int

	// Epilogue, if not nil, is applied in place to every part of a row of C
	// once it is complete.
	Epilogue func([]float32)
}

// check panics if an operand is too short for the kernels, which do not look.
func (p *Plan) check(o *Operands) {
	checkRows("A", len(o.A), p.m, p.k, o.LDA)
	checkRows("C", len(o.C), p.m, p.n, o.LDC)
	if o.Add != nil {
		checkRows("Add", len(o.Add), p.m, p.n, o.LDAdd)
	}
	if o.Bias != nil && len(o.Bias) < p.n {
		panic(fmt.Sprintf("gemm: Bias has %d values, %d are needed", len(o.Bias), p.n))
	}
	if o.W.Data == nil && p.k > 0 {
		panic("gemm: no weight")
	}
}

func checkRows(name string, length, rows, cols, stride int) {
	if stride < cols && rows > 1 {
		panic(fmt.Sprintf("gemm: rows of %s are %d values apart, but %d long", name, stride, cols))
	}
	if need := (rows-1)*stride + cols; length < need {
		panic(fmt.Sprintf("gemm: %s has %d values, %d are needed", name, length, need))
	}
}

// Run does one unit of work. It allocates nothing.
func (p *Plan) Run(unit int, mem []byte, o *Operands) {
	p.check(o)
	rowBlocks := ceilDiv(p.m, p.mb)
	m0, n0 := unit%rowBlocks*p.mb, unit/rowBlocks*p.nb
	m1, n1 := min(m0+p.mb, p.m), min(n0+p.nb, p.n)
	panels, _ := scratch.Floats(mem, p.kernel.PanelsLen(p.nb, p.kb))
	t := Tile{
		Segs: &Whole, NSeg: 1, Cols: uintptr(n1 - n0),
		LDA: bytes(o.LDA), LDAdd: bytes(o.LDAdd), LDC: bytes(o.LDC),
		B: unsafe.Pointer(&panels[0]), Bias: At(o.Bias, n0),
	}
	for k0 := 0; k0 == 0 || k0 < p.k; k0 += p.kb {
		k1 := min(k0+p.kb, p.k)
		p.kernel.Pack(panels, o.W, n0, n1, k0, k1, k1-k0, nil)
		t.K, t.PanelStride = uintptr(k1-k0), bytes((k1-k0)*p.kernel.NR)
		if k0 > 0 {
			t.Bias, t.LDAdd = nil, t.LDC
		}
		for m, rows := m0, 0; m < m1; m += rows {
			rows = p.kernel.Rows(m1 - m)
			t.Rows = uintptr(rows)
			t.A, t.C = At(o.A, m*o.LDA+k0), At(o.C, m*o.LDC+n0)
			t.Add = t.C
			if k0 == 0 {
				t.Add = At(o.Add, m*o.LDAdd+n0)
			}
			p.kernel.Run(&t)
			if o.Epilogue != nil && k1 == p.k {
				for r := m; r < m+rows; r++ {
					o.Epilogue(o.C[r*o.LDC+n0 : r*o.LDC+n1])
				}
			}
		}
	}
}

// At returns the address of v[i], or nil if v is nil or ends before.
func At(v []float32, i int) unsafe.Pointer {
	if i >= len(v) {
		return nil
	}
	return unsafe.Pointer(&v[i])
}

func bytes(floats int) uintptr { return uintptr(4 * floats) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
