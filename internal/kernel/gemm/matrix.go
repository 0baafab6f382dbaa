package gemm

import (
	"math"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// Matrix is a weight [N,K] as it lies in memory, in any of the formats. The
// strides count elements, so a transposed weight is a view. In the quantised
// formats rows are adjacent: RowStride is K and ColStride 1.
type Matrix struct {
	Data                 unsafe.Pointer // element 0, 0
	Format               convert.Format
	RowStride, ColStride int            // from one n, and one k, to the next
	Scales               convert.Scales // of a quantised format, or of 8-bit floats
	Changes              *Changes       // made to the rows as they are read, or nil
}

// at returns the part of m that begins at row n and column k.
func (m Matrix) at(n, k int) Matrix {
	m.Data = unsafe.Add(m.Data, (n*m.RowStride+k*m.ColStride)*m.Format.Size())
	return m
}

func (m Matrix) value(n, k int) float32 {
	p := unsafe.Add(m.Data, (n*m.RowStride+k*m.ColStride)*m.Format.Size())
	switch m.Format {
	case convert.F16:
		return convert.F16ToF32(*(*uint16)(p))
	case convert.BF16:
		return convert.BF16ToF32(*(*uint16)(p))
	case convert.F64:
		return float32(*(*float64)(p))
	case convert.F8E4M3:
		return convert.F8E4M3ToF32(*(*uint8)(p))
	case convert.F8E5M2:
		return convert.F8E5M2ToF32(*(*uint8)(p))
	}
	return math.Float32frombits(*(*uint32)(p))
}

// byRow reports whether m is packed by way of its rows in float32: where they change,
// or of a format that no kernel packs, in rows of adjacent values.
func (m Matrix) byRow() bool { return m.Changes != nil || !m.Format.Packed() && m.ColStride == 1 }

// Row sets dst to values of row n, from column k on.
func (m Matrix) Row(dst []float32, n, k int) {
	if m.Changes == nil {
		m.plainRow(dst, n, k)
		return
	}
	var wide [stretch]float32
	for len(dst) > 0 {
		cols := min(stretch, len(dst))
		m.widen(wide[:], area{n, 1, k, cols})
		copy(dst, wide[:cols])
		dst, k = dst[cols:], k+cols
	}
}

// column returns the bytes of the first n values of column k, which must be adjacent.
func (m Matrix) column(k, n int) []byte {
	size := m.Format.Size()
	return unsafe.Slice((*byte)(unsafe.Add(m.Data, k*m.ColStride*size)), n*size)
}
