package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// A product of few rows is bound by reading the weight, so packing it first would
// cost as much as the product. On AVX-512 such products take the weight as it lies in
// memory. The sums are the same, bit by bit.

// strip is the argument of the kernel for few rows: as many columns of C as a
// vector has values, made from as many rows of the weight. With strides in bytes
// it computes
//
//	for r := range Rows {
//		for c := range 16 {
//			sum := Bias[c] // 0 if Bias is nil
//			for k := range 16 * Blocks {
//				sum = fma(A[r][k], W[c][k], sum)
//			}
//			C[r][c] = sum + Add[r][c] // sum alone if Add is nil
//		}
//	}
type strip struct {
	W      unsafe.Pointer
	LDW    uintptr
	Format uintptr // of W
	A      unsafe.Pointer
	LDA    uintptr
	Rows   uintptr
	Blocks uintptr
	Bias   unsafe.Pointer
	Add    unsafe.Pointer
	LDAdd  uintptr
	C      unsafe.Pointer
	LDC    uintptr
}

//go:noescape
func directAVX512(s *strip)

const (
	stripWidth     = 16
	mostDirectRows = 8
)

// takesDirect reports whether the kernel can take blocks of w as they are.
func (kn Kernel) takesDirect(w Matrix, rows, n, k int) bool {
	if kn.level != cpu.AVX512 || rows > mostDirectRows || n%stripWidth != 0 || k%stripWidth != 0 || k == 0 {
		return false
	}
	exact := kn.form == single || kn.form == rounded && w.Format == convert.BF16
	return exact && w.Format.Packed() && w.ColStride == 1 && w.Changes == nil
}

// runDirect computes a tile from the weight, where t.K is steps of one value.
func (t *Tile) runDirect() {
	s := strip{
		W: t.Weight.Data, LDW: uintptr(t.Weight.RowStride * t.Weight.Format.Size()), Format: uintptr(t.Weight.Format),
		A: t.A, LDA: t.LDA, Rows: t.Rows, Blocks: t.K / stripWidth,
		Bias: t.Bias, Add: t.Add, LDAdd: t.LDAdd, C: t.C, LDC: t.LDC,
	}
	for i := range t.Cols / stripWidth {
		// Never past the end, where the garbage collector would find another object.
		at := i * bytes(stripWidth)
		s.W, s.C = unsafe.Add(t.Weight.Data, i*stripWidth*s.LDW), unsafe.Add(t.C, at)
		if t.Bias != nil {
			s.Bias = unsafe.Add(t.Bias, at)
		}
		if t.Add != nil {
			s.Add = unsafe.Add(t.Add, at)
		}
		directAVX512(&s)
	}
}
