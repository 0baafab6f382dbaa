package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
)

// Tile is the argument of a micro-kernel: a few rows of C, made from as many
// rows of A and from packed panels of the weight. With pointers and byte
// strides read as slices it computes
//
//	for r := range Rows {
//		for c := range Cols {
//			sum := Bias[c] // 0 if Bias is nil
//			for _, s := range Segs {
//				for k := range K {
//					sum = fma(A[r][s.A+k], B[c/NR][s.B+k][c%NR], sum)
//				}
//			}
//			C[r][c] = sum + Add[r][c] // sum alone if Add is nil
//		}
//	}
//
// A step of k is one value, or two for kernels on pairs; see [TileBF16]. Every number of rows goes through the same additions in the same order, so a
// row's result does not depend on the tile it is in. Add may be C.
type Tile struct {
	A           unsafe.Pointer // first row of A
	LDA         uintptr        // bytes from one row of A to the next
	Segs        *Segment       // first of NSeg segments
	NSeg        uintptr
	K           uintptr        // steps of k in a segment
	B           unsafe.Pointer // first panel
	PanelStride uintptr        // bytes from one panel to the next
	Rows, Cols  uintptr        // Rows is at most MR
	Bias        unsafe.Pointer
	Add         unsafe.Pointer
	LDAdd       uintptr // bytes
	C           unsafe.Pointer
	LDC         uintptr // bytes

	Weight Matrix // if it has Data, the weight as it lies in memory, in place of B; see takesDirect
}

// Segment is a stretch of k, by the byte offsets of its start in a row of A and
// in a panel.
type Segment struct{ A, B uintptr }

// Whole is the segment of a product whose k is not divided.
var Whole Segment

// Kernel is the micro-kernel of one instruction set. It makes tiles of up to MR
// rows from panels of NR columns.
type Kernel struct {
	MR, NR int

	// BlockRows is the rows that a unit of work should have at least: packing
	// takes a few percent of its time then. MaxBlockRows keeps units short, as
	// cancellation waits for them.
	BlockRows, MaxBlockRows int

	level cpu.Level
	form  form
}

// Rows returns the height of the next tile where left rows are left, so that no
// small remainder comes last.
func (kn Kernel) Rows(left int) int {
	switch {
	case left >= 2*kn.MR || left == kn.MR:
		return kn.MR
	case left > kn.MR:
		return (left + 1) / 2
	}
	return left
}
