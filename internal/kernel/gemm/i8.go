package gemm

import (
	"fmt"
	"math"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// PlanI8 divides a product of 8-bit integers, W8A8: the rows of A are quantised
// by [QuantiseRow], the rows of W by the scales of [ScaleRows] while they are packed,
// both symmetrically. With q for the quantised values
//
//	C[m,n] = (sum over k of qA[m,k] qW[n,k]) AScale[m] WScale[n] + bias[n] + add[m,n]
//
// The sum is exact in the integers of AVX512_VNNI, elsewhere it is in float32.
type PlanI8 struct{ Plan }

// MaxI8 is the most values of k: their products fit in 32 bits.
const MaxI8 = 1 << 16

// NewPlanI8 divides a product for the instruction set in use.
func NewPlanI8(m, n, k int) *PlanI8 { return newPlanI8(m, n, k, false) }

// NewGatedPlanI8 divides a product whose columns are gated, as [NewGatedPlan] does.
func NewGatedPlanI8(m, n, k int) *PlanI8 { return newPlanI8(m, n, k, true) }

func newPlanI8(m, n, k int, gated bool) *PlanI8 {
	if k > MaxI8 {
		panic(fmt.Sprintf("gemm: 8-bit sums over %d values; %d is the most", k, MaxI8))
	}
	divide := newPlan
	if gated {
		divide = newGatedPlan
	}
	return &PlanI8{*divide(m, n, k, currentI8())}
}

// For returns the plan with units for a number of threads; see [Plan.For].
func (p *PlanI8) For(threads int) *PlanI8 { return &PlanI8{*p.Plan.For(threads)} }

// RowI8 returns the length of a quantised row of k values: whole groups of four.
func RowI8(k int) int { return roundUp(k, 4) }

// ScratchSize returns the bytes of scratch memory that a worker needs.
func (p *PlanI8) ScratchSize() int {
	side := []int{p.kernel.PanelsLen(p.nb, p.kb), p.panelColumns(), p.panelColumns(), p.nb, p.sumsLen()}
	if p.gated {
		side = append(side, side...)
	}
	return scratch.Size(append(side, p.stagedLen())...)
}

// sumsLen is the length of the sums of one side of a unit.
func (p *PlanI8) sumsLen() int {
	if p.gated {
		return p.partialLen() / 2
	}
	return p.partialLen()
}

// stagedLen is the length of a tile of A in float32, where that is what the
// kernel reads.
func (p *PlanI8) stagedLen() int {
	if p.kernel.form == quads {
		return 0
	}
	return p.kernel.MR * p.kb
}

func (p *PlanI8) panelColumns() int { return roundUp(p.nb, p.kernel.NR) }

// OperandsI8 are the matrices of one product.
type OperandsI8 struct {
	A      []uint8   // [M,K], by QuantiseRow
	AScale []float32 // [M]
	LDA    int       // from one row of A to the next, at least RowI8(K)
	W      Matrix    // [N,K], [2N,K] of a gated plan
	WScale []float32 // of each row of W, by ScaleRows
	Bias   []float32 // of each row of W, or nil
	Add    []float32 // [M,N] or nil; may be C
	Add16  []uint16  // bfloat16, instead of Add; may be C16
	LDAdd  int
	C      []float32 // [M,N]
	C16    []uint16  // bfloat16, instead of C
	LDC    int

	// Epilogue and Gate are those of [Operands].
	Epilogue func([]float32)
	Gate     func(dst, a, b []float32)
}

// check panics if an operand is too short for the kernels, which do not look.
func (p *PlanI8) check(o *OperandsI8) {
	checkRows("A", len(o.A), p.m, RowI8(p.k), o.LDA)
	checkRows("C", len(o.C)+len(o.C16), p.m, p.n, o.LDC)
	if o.Add != nil || o.Add16 != nil {
		checkRows("Add", len(o.Add)+len(o.Add16), p.m, p.n, o.LDAdd)
	}
	if both(o.Add, o.Add16) || both(o.C, o.C16) {
		panic("gemm: an operand is given in float32 and in bfloat16")
	}
	p.checkGate(o.Gate != nil, o.Add != nil || o.Add16 != nil || o.Epilogue != nil)
	if rows := p.weightRows(); len(o.AScale) < p.m || len(o.WScale) < rows || o.Bias != nil && len(o.Bias) < rows {
		panic(fmt.Sprintf("gemm: %d, %d and %d values in AScale, WScale and Bias of a product of %d x %d", len(o.AScale),
			len(o.WScale), len(o.Bias), p.m, p.n))
	}
	if o.W.Data == nil && p.k > 0 {
		panic("gemm: no weight")
	}
}

// tiny is the magnitude below which all values of a row count as 0.
const tiny = 1e-30

// scaleOf returns the scale of a row whose greatest magnitude has the given
// bits, and its inverse. A row that is not finite has NaN.
func scaleOf(bits uint32) (scale, inverse float32) {
	m := math.Float32frombits(bits)
	switch {
	case !(m <= math.MaxFloat32):
		return float32(math.NaN()), 0
	case m < tiny:
		return 0, 0
	}
	return m / 127, 127 / m
}

// inverseOf returns what values are multiplied by to be quantised.
func inverseOf(scale float32) float32 {
	if scale > 0 {
		return 1 / scale
	}
	return 0
}

// QuantiseRow sets dst to the values of src divided by their greatest magnitude
// and times 127, rounded to nearest and even, plus 128, filled up to a multiple
// of four, and returns the scale that undoes that.
func QuantiseRow(dst []uint8, src []float32) (scale float32) {
	dst = dst[:RowI8(len(src))]
	done, bits := absMax(src)
	for _, v := range src[done:] {
		bits = max(bits, math.Float32bits(v)&0x7fffffff)
	}
	scale, inverse := scaleOf(bits)
	done = quantise(dst, src, inverse)
	for i, v := range src[done:] {
		dst[done+i] = uint8(128 + int32(quantised(v, inverse)))
	}
	for i := len(src); i < len(dst); i++ {
		dst[i] = 128
	}
	return scale
}

// quantised returns v times inverse, rounded; 0 for what is not a number.
func quantised(v, inverse float32) float32 {
	q := float32(math.RoundToEven(float64(v * inverse)))
	if q != q {
		return 0
	}
	return q
}

// ScaleRows sets dst to the scales by which rows of k weights are quantised, from
// row first on.
func ScaleRows(dst []float32, w Matrix, first, k int) {
	row := make([]float32, k)
	for i := range dst {
		w.Row(row, first+i, 0)
		done, bits := absMax(row)
		for _, v := range row[done:] {
			bits = max(bits, math.Float32bits(v)&0x7fffffff)
		}
		dst[i], _ = scaleOf(bits)
	}
}

// OwnScales returns the scales of rows of integers that have them, which they
// keep unless they change, or nil.
func (w Matrix) OwnScales() []float32 {
	if w.Format == convert.I8 && w.Changes == nil {
		return w.Scales.Rows
	}
	return nil
}
