package gemm

import (
	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// grid is rows of values in memory.
type grid[T float32 | uint16] struct {
	data   []T // from the first value on
	stride int
}

func (g grid[T]) row(i, cols int) []T { return g.data[i*g.stride:][:cols] }

// narrow rounds rows of sums to bfloat16.
func (kn Kernel) narrow(dst grid[uint16], src grid[float32], rows, cols int) {
	if (kn.form == pairs || kn.form == quads) && kn.level == cpu.AVX512 {
		narrowRows(dst, src, rows, cols)
		return
	}
	for r := range rows {
		convert.NarrowBF16(dst.row(r, cols), src.row(r, cols))
	}
}

// widen does the reverse.
func (kn Kernel) widen(dst grid[float32], src grid[uint16], rows, cols int) {
	if kn.form == pairs && kn.level == cpu.AVX512 {
		widenRows(dst, src, rows, cols)
		return
	}
	for r := range rows {
		convert.WidenBF16(dst.row(r, cols), src.row(r, cols))
	}
}
