package attn

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// Pack does one unit of the first pass: a block of the keys and values of a
// head. It reads K and V only, and allocates nothing.
func (p *Plan) Pack(unit int, packed, mem []byte, o *Operands) {
	p.checkKeys(o)
	all, _ := scratch.Floats(packed, p.PackUnits()*p.blockLen())
	head, block := unit/p.blocks(), unit%p.blocks()
	keys, values := p.block(all, head, block)
	k0 := block * p.kb
	n := min(p.kb, p.TK-k0)
	row, column := head/p.Heads*p.TK+k0, head%p.Heads*p.D
	if p.bf16 {
		rounded, _ := scratch.Floats(mem, p.kb*p.width/2)
		p.packKeys(keys, p.narrow(o.K, row, column, n, rounded), n)
		p.packValues(values, p.narrow(o.V, row, column, n, rounded), n)
		return
	}
	k, v := matrix(o.K, row, column), matrix(o.V, row, column)
	v.RowStride, v.ColStride = v.ColStride, v.RowStride
	p.kernel.Pack(keys, k, 0, n, 0, p.D, p.D, nil)
	p.kernel.Pack(values, v, 0, p.D, 0, n, n, nil)
	if p.Compute == convert.BF16 {
		round(keys)
		round(values)
	}
}

func matrix(r Rows, row, column int) gemm.Matrix {
	return gemm.Matrix{Data: r.at(row, column), Format: r.Format, RowStride: r.Stride, ColStride: 1}
}

// narrow returns n rows of a head in bfloat16, rounded to memory of the
// caller's unless they can be read in place as pairs.
func (p *Plan) narrow(r Rows, row, column, n int, mem []float32) Rows {
	if r.Format == convert.BF16 && p.D%2 == 0 && r.Stride%2 == 0 {
		r.Data = r.Data[(row*r.Stride+column)*2:]
		return r
	}
	to := Rows{unsafe.Slice((*byte)(unsafe.Pointer(&mem[0])), 4*len(mem)), convert.BF16, p.width}
	for i := range n {
		convertRow(to.row(i, 0, p.D), r.row(row+i, column, p.D), r.Format)
		if p.D%2 != 0 {
			clear(to.row(i, p.D, 1))
		}
	}
	return to
}

// convertRow rounds values to bfloat16.
func convertRow(dst, src []byte, f convert.Format) {
	if f == convert.BF16 {
		copy(dst, src)
		return
	}
	convert.FromF32(dst, unsafe.Slice((*float32)(unsafe.Pointer(&src[0])), len(src)/4), convert.BF16)
}

// packKeys packs n keys by pairs of their values, which it moves like float32.
func (p *Plan) packKeys(dst []float32, k Rows, n int) {
	pairs := gemm.Matrix{Data: k.at(0, 0), Format: convert.F32, RowStride: k.Stride / 2, ColStride: 1}
	steps := p.steps(p.D)
	p.kernel.Pack(dst, pairs, 0, n, 0, steps, steps, nil)
}

// packValues packs the values of n keys, by pairs of keys.
func (p *Plan) packValues(dst []float32, v Rows, n int) {
	steps := p.steps(n)
	for d := 0; d < p.D; d += line {
		panel := dst[d*steps:][:line*steps]
		whole := 0
		if d+line <= p.D {
			whole = n / 2
		}
		if whole > 0 {
			interleave(unsafe.Pointer(&panel[0]), v.at(0, d), v.strideBytes(), uintptr(whole))
		}
		if whole < steps {
			p.pairs(panel[whole*line:], v, 2*whole, n, d)
		}
	}
}

// pairs packs the values of keys first to n, where a line or a pair is not full.
func (p *Plan) pairs(panel []float32, v Rows, first, n, d int) {
	words := unsafe.Slice((*uint16)(unsafe.Pointer(&panel[0])), 2*len(panel))
	clear(words)
	columns := min(line, p.D-d)
	for j := range n - first {
		at := words[j/2*2*line+j%2:]
		for i, x := range unsafe.Slice((*uint16)(v.at(first+j, d)), columns) {
			at[2*i] = x
		}
	}
}

// round rounds values to bfloat16.
func round(v []float32) {
	for i, x := range v {
		v[i] = convert.BF16ToF32(convert.F32ToBF16(x))
	}
}
