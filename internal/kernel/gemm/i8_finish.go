package gemm

import (
	"math"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// integerTile is the argument of loops that make values of the sums of a tile:
//
//	for r := range Rows {
//		for c := range Cols {
//			Dst[r][c] = fma(Sums[r][c], RowScales[r]*Scales[c], Bias[c]) + Add[r][c]
//		}
//	}
//
// Add, which may be nil, and Dst are both float32, or both bfloat16. In float32
// they may be Sums. Strides are in bytes.
type integerTile struct {
	Sums         unsafe.Pointer // integers
	LDSums       uintptr
	RowScales    unsafe.Pointer
	Scales, Bias unsafe.Pointer
	Add          unsafe.Pointer
	LDAdd        uintptr
	Dst          unsafe.Pointer
	LDDst        uintptr
	Rows, Cols   uintptr
}

// finish makes the values of a tile, whose sums begin at value at, and stores them.
func (b *blockI8) finish(at, m, rows int) {
	if b.finishAtOnce(at, m, rows) {
		return
	}
	cols, add := b.n1-b.n0, m*b.LDAdd+b.n0
	sums := b.values(0, at, m, rows)
	if b.gated {
		b.Gate(sums, sums, b.values(1, at, m, rows))
	}
	for r := range rows {
		row := sums[r*cols:][:cols]
		switch {
		case b.Add != nil:
			for i, v := range b.Add[add+r*b.LDAdd:][:cols] {
				row[i] += v
			}
		case b.Add16 != nil:
			for i, v := range b.Add16[add+r*b.LDAdd:][:cols] {
				row[i] += convert.BF16ToF32(v)
			}
		}
		if b.Epilogue != nil {
			b.Epilogue(row)
		}
		if b.C != nil {
			copy(b.C[(m+r)*b.LDC+b.n0:], row)
		}
	}
	if b.C16 != nil {
		b.kernel.narrow(grid[uint16]{b.C16[m*b.LDC+b.n0:], b.LDC}, grid[float32]{sums, cols}, rows, cols)
	}
}

// integers describes the sums of a side, to be replaced by their values.
func (b *blockI8) integers(side, at, m, rows int) integerTile {
	s, cols := &b.sides[side], b.n1-b.n0
	sums := unsafe.Pointer(&s.partial[at])
	return integerTile{
		Sums: sums, LDSums: bytes(cols), Dst: sums, LDDst: bytes(cols),
		RowScales: unsafe.Pointer(&b.AScale[m]), Scales: unsafe.Pointer(&s.scales[0]), Bias: unsafe.Pointer(&s.bias[0]),
		Rows: uintptr(rows), Cols: uintptr(cols),
	}
}

// finishAtOnce stores the values of a tile while they are made, if there are
// loops for its operands.
func (b *blockI8) finishAtOnce(at, m, rows int) bool {
	if b.gated || b.Epilogue != nil || b.C16 != nil && b.Add != nil || b.C != nil && b.Add16 != nil {
		return false
	}
	t := b.integers(0, at, m, rows)
	to, add := m*b.LDC+b.n0, m*b.LDAdd+b.n0
	switch {
	case b.Add != nil:
		t.Add, t.LDAdd = unsafe.Pointer(&b.Add[add]), bytes(b.LDAdd)
	case b.Add16 != nil:
		t.Add, t.LDAdd = unsafe.Pointer(&b.Add16[add]), bytes(b.LDAdd)/2
	}
	if b.C16 != nil {
		t.Dst, t.LDDst = unsafe.Pointer(&b.C16[to]), bytes(b.LDC)/2
		return b.kernel.dequantiseTile(&t, true)
	}
	t.Dst, t.LDDst = unsafe.Pointer(&b.C[to]), bytes(b.LDC)
	return b.kernel.dequantiseTile(&t, false)
}

// values turns the sums of a side to values, and returns them.
func (b *blockI8) values(side, at, m, rows int) []float32 {
	s, cols := &b.sides[side], b.n1-b.n0
	sums := s.partial[at:][:rows*cols]
	if t := b.integers(side, at, m, rows); b.kernel.dequantiseTile(&t, false) {
		return sums
	}
	for r := range rows {
		b.kernel.dequantise(sums[r*cols:][:cols], s.scales, s.bias, b.AScale[m+r])
	}
	return sums
}

// dequantise turns sums, which for kernels on quads are integers, into
// sum * scale * scales[i] + bias[i].
func (kn Kernel) dequantise(sums, scales, bias []float32, scale float32) {
	if kn.form == quads {
		done := kn.dequantiseInts(sums, scales, bias, scale)
		for i := done; i < len(sums); i++ {
			v := float32(int32(math.Float32bits(sums[i])))
			sums[i] = float32(math.FMA(float64(v), float64(scale*scales[i]), float64(bias[i])))
		}
		return
	}
	for i, v := range sums {
		sums[i] = v*(scale*scales[i]) + bias[i]
	}
}
