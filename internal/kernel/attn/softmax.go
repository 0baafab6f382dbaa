package attn

import (
	"math"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// scoreTile is the softmax's part of a tile: some queries, the scores of each
// with N keys, and what the keys before gave. Strides are in bytes.
type scoreTile struct {
	Scores    *float32 // [Rows][N]; a row has room for a whole line
	Stride    uintptr
	Rows, N   uintptr
	Max       *float32 // [Rows]: greatest score x Scale, at least -MaxFloat32
	Sum       *float32 // [Rows][lanes]: sums of weights
	Out       *float32 // [Rows][OutN]: sums of weighted values
	OutStride uintptr
	OutN      uintptr // a multiple of line
	Scale     float32 // of the scores, times log2(e)
}

// softmax is the part of the work that is not a matrix product, for one
// instruction set.
type softmax struct {
	// weigh turns scores into weights, 2^(Scale*score - Max), where Max is
	// raised to the greatest, and adds them to Sum, of which lane i takes every
	// lanes-th. If Max grows from what earlier keys gave, it scales Sum and Out
	// down. Weights below the
	// least normal number may be 0. The weights of scores from N on, to the end
	// of the line, are 0. A score that is NaN makes Sum NaN.
	weigh func(t scoreTile)

	// divide writes Out over the sum of Sum to d values of rows of dst.
	divide func(t scoreTile, dst Rows, row, column, d int)
}

var genericSoftmax = softmax{weigh: weighGeneric, divide: divideGeneric}

func weighGeneric(t scoreTile) {
	for r := range t.Rows {
		row := floats(t.Scores, r*t.Stride, roundUp(int(t.N), lanes))
		greatest, sum := floats(t.Max, 4*r, 1), floats(t.Sum, 4*lanes*r, lanes)
		for i := int(t.N); i < len(row); i++ {
			row[i] = float32(math.Inf(-1))
		}
		former := greatest[0]
		for _, v := range row {
			if v *= t.Scale; v > greatest[0] {
				greatest[0] = v
			}
		}
		if greatest[0] != former && former != -math.MaxFloat32 {
			shrink := exp2(float64(former) - float64(greatest[0]))
			for i := range sum {
				sum[i] *= shrink
			}
			out := floats(t.Out, r*t.OutStride, int(t.OutN))
			for i := range out {
				out[i] *= shrink
			}
		}
		for i, v := range row {
			row[i] = exp2(float64(v)*float64(t.Scale) - float64(greatest[0]))
			sum[i%lanes] += row[i]
		}
	}
}

func exp2(x float64) float32 { return float32(math.Exp2(x)) }

func divideGeneric(t scoreTile, dst Rows, row, column, d int) {
	for r := range t.Rows {
		var sum [lanes]float32
		copy(sum[:], floats(t.Sum, 4*lanes*r, lanes))
		for n := lanes / 2; n > 0; n /= 2 {
			for i := range n {
				sum[i] += sum[i+n]
			}
		}
		out, by := floats(t.Out, r*t.OutStride, d), 1/sum[0]
		for i := range out {
			out[i] *= by
		}
		convert.FromF32(dst.row(row+int(r), column, d), out, dst.Format)
	}
}

func floats(p *float32, offset uintptr, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(p), offset)), n)
}
