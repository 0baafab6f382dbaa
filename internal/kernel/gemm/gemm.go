// Package gemm multiplies matrices with the weights of linear layers, which may
// be F32, F16 or BF16 in memory. Sums are in float32. Factors are in float32
// ([NewPlan]), or rounded to bfloat16 ([NewPlanBF16]); then activations may be
// bfloat16 in memory, too, and on processors with AVX512_BF16 are read in place.
// Or they are quantised to 8 bits ([NewPlanI8]).
//
// The product is cut into blocks of rows and columns for a number of threads; how
// it is cut does not change a bit of it. For each block the weight is packed into panels in
// scratch memory, and micro-kernels (see [Tile]) run over tiles of rows. The
// scheme is that of Goto and van de Geijn, Anatomy of High-Performance Matrix
// Multiplication, 2008.
package gemm

import (
	"fmt"
	"runtime"
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
	gated      bool // see NewGatedPlan
}

const (
	maxBlockK   = 640 // a tile of A stays in the first cache
	blockPanels = 5   // panels in a unit: with maxBlockK they stay in the second cache
	someUnits   = 16
	eachUnits   = 4 // for a thread: enough for the work to spread evenly

	// Products of few rows are bound by reading the weight, which is faster in
	// few streams.
	fewRows    = 32
	fewColumns = 32
)

// NewPlan divides a product for the instruction set in use, and for as many
// threads as GOMAXPROCS says; see [Plan.For].
func NewPlan(m, n, k int) *Plan { return newPlan(m, n, k, Current()) }

// NewPlanBF16 divides a product whose factors are rounded to bfloat16, to
// nearest and to even. Its operands A, Add and C may each be float32 or bfloat16.
func NewPlanBF16(m, n, k int) *Plan { return newPlan(m, n, k, CurrentBF16(k)) }

// NewGatedPlan divides a product of which the second half of the columns gates
// the first: W has 2n rows and Bias 2n values, and with a and b the columns c
// and n+c of A W^T + bias, column c of C is the result of the operand Gate for both.
// There is no Add and no Epilogue.
func NewGatedPlan(m, n, k int) *Plan { return newGatedPlan(m, n, k, Current()) }

// NewGatedPlanBF16 is NewGatedPlan with the arithmetic of [NewPlanBF16].
func NewGatedPlanBF16(m, n, k int) *Plan { return newGatedPlan(m, n, k, CurrentBF16(k)) }

func newGatedPlan(m, n, k int, kn Kernel) *Plan {
	p := newPlan(m, n, k, kn)
	p.gated = true
	return p.For(runtime.GOMAXPROCS(0))
}

func newPlan(m, n, k int, kn Kernel) *Plan {
	if m < 0 || n < 0 || k < 0 {
		panic(fmt.Sprintf("gemm: negative size in %d x %d x %d", m, n, k))
	}
	p := &Plan{m: m, n: n, k: k, kb: kn.blockK(k), kernel: kn}
	return p.For(runtime.GOMAXPROCS(0))
}

// For returns the plan with units for a number of threads: enough to keep all of
// them busy to the end, and no more, since each unit packs its part of the weight.
func (p *Plan) For(threads int) *Plan {
	q := *p
	kn := q.kernel
	q.nb = BlockColumns(kn, q.n)
	perColumn := ceilDiv(max(someUnits, eachUnits*threads), max(1, ceilDiv(q.n, q.nb)))
	q.mb = min(max(ceilDiv(q.m, perColumn), kn.BlockRows), kn.MaxBlockRows)
	q.mb = roundUp(q.mb, kn.MR)
	if q.Units() < someUnits {
		q.nb = min(q.nb, max(2*kn.NR, roundUp(q.n/someUnits, kn.NR)))
	}
	if q.m <= fewRows {
		q.nb = roundUp(fewColumns, kn.NR)
	}
	if q.gated {
		q.nb = max(kn.NR, roundUp(q.nb/2, kn.NR)) // of both halves
	}
	return &q
}

// blockK returns the length of the blocks that a sum over k is divided into.
func (kn Kernel) blockK(k int) int {
	most := maxBlockK
	switch kn.form {
	case pairs:
		most *= 2
	case quads:
		most *= 4
	}
	return max(1, min(k, roundUp(ceilDiv(k, max(1, ceilDiv(k, most))), 16)))
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
func (p *Plan) ScratchSize() int {
	return scratch.Size(p.kernel.PanelsLen(p.width(p.nb), p.kb), p.stagedLen(), p.partialLen())
}

// stagedLen is the length of a tile of A in the form that the kernel reads.
func (p *Plan) stagedLen() int {
	if p.kernel.form == single {
		return 0
	}
	return p.kernel.MR * p.kernel.Steps(p.kb)
}

// width returns the number of columns of panels that a number of columns of C are made from.
// The gates begin with a panel of their own.
func (p *Plan) width(cols int) int {
	if p.gated {
		return roundUp(cols, p.kernel.NR) + cols
	}
	return cols
}

// partialLen is the length of the sums of a unit, or if they are complete after
// one block of k, of a tile.
func (p *Plan) partialLen() int {
	if p.kernel.form == single && !p.gated {
		return 0
	}
	rows := p.kernel.MR
	if p.kb < p.k {
		rows = p.mb
	}
	if p.gated {
		rows *= 2 // the values, then their gates
	}
	return rows * p.nb
}

// Operands are the matrices of one product. Those in bfloat16 are for plans of
// [NewPlanBF16].
type Operands struct {
	A     []float32 // [M,K]
	A16   []uint16  // bfloat16, instead of A
	LDA   int       // from one row of A to the next
	W     Matrix    // [N,K]
	Bias  []float32 // [N], or nil
	Add   []float32 // [M,N] or nil; may be C
	Add16 []uint16  // bfloat16, instead of Add; may be C16
	LDAdd int
	C     []float32 // [M,N]; must not overlap A
	C16   []uint16  // bfloat16, instead of C
	LDC   int

	// Epilogue, if not nil, is applied in place to every part of a row of C
	// once it is complete, before it is rounded to bfloat16.
	Epilogue func([]float32)
	// Gate makes a part of a row of C of a gated plan; dst may be a.
	Gate func(dst, a, b []float32)
}

// check panics if an operand is too short for the kernels, which do not look.
func (p *Plan) check(o *Operands) {
	if p.kernel.form == single && (o.A16 != nil || o.Add16 != nil || o.C16 != nil) {
		panic("gemm: operands in bfloat16 in a plan of NewPlan; NewPlanBF16 takes them")
	}
	checkRows("A", len(o.A)+len(o.A16), p.m, p.k, o.LDA)
	checkRows("C", len(o.C)+len(o.C16), p.m, p.n, o.LDC)
	if o.Add != nil || o.Add16 != nil {
		checkRows("Add", len(o.Add)+len(o.Add16), p.m, p.n, o.LDAdd)
	}
	if both(o.A, o.A16) || both(o.Add, o.Add16) || both(o.C, o.C16) {
		panic("gemm: an operand is given in float32 and in bfloat16")
	}
	p.checkGate(o.Gate != nil, o.Add != nil || o.Add16 != nil || o.Epilogue != nil)
	if rows := p.weightRows(); o.Bias != nil && len(o.Bias) < rows {
		panic(fmt.Sprintf("gemm: Bias has %d values, %d are needed", len(o.Bias), rows))
	}
	if o.W.Data == nil && p.k > 0 {
		panic("gemm: no weight")
	}
}

// checkGate panics unless a gated plan is given a gate, and nothing that it does not take.
func (p *Plan) checkGate(gate, other bool) {
	if p.gated != gate || p.gated && other {
		panic("gemm: a gated plan takes a Gate, no Add and no Epilogue; others take no Gate")
	}
}

// weightRows returns the rows of W.
func (p *Plan) weightRows() int {
	if p.gated {
		return 2 * p.n
	}
	return p.n
}

func both(v []float32, v16 []uint16) bool { return v != nil && v16 != nil }

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
	u := block{Plan: p, Operands: *o, m0: unit % rowBlocks * p.mb, n0: unit / rowBlocks * p.nb}
	u.m1, u.n1 = min(u.m0+p.mb, p.m), min(u.n0+p.nb, p.n)
	u.run(mem)
}

// At returns the address of v[i], or nil if v is nil or ends before.
func At[T float32 | uint16 | uint8](v []T, i int) unsafe.Pointer {
	if i >= len(v) {
		return nil
	}
	return unsafe.Pointer(&v[i])
}

func bytes(floats int) uintptr { return uintptr(4 * floats) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
