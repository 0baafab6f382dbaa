package attn

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// Rows is a tensor [B,T,Heads*D] in memory, with the heads side by side in a
// row. Format is F32 or BF16, Stride the values from one row to the next.
type Rows struct {
	Data   []byte
	Format convert.Format
	Stride int
}

// F32 returns rows of float32.
func F32(v []float32, stride int) Rows {
	return Rows{unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v)), convert.F32, stride}
}

// row returns n values of a row, from column c on.
func (r Rows) row(i, c, n int) []byte {
	size := r.Format.Size()
	return r.Data[(i*r.Stride+c)*size:][:n*size]
}

// at is the address of a value.
func (r Rows) at(i, c int) unsafe.Pointer {
	return unsafe.Pointer(&r.Data[(i*r.Stride+c)*r.Format.Size()])
}

func (r Rows) strideBytes() uintptr { return uintptr(r.Stride * r.Format.Size()) }

// Operands are the tensors of one attention.
type Operands struct {
	Q, K, V Rows
	O       Rows // must not overlap the others
}

// check panics if an operand is too short for the kernels, which do not look.
func (p *Plan) check(o *Operands) {
	p.checkKeys(o)
	p.need("Q", o.Q, p.TQ)
	p.need("O", o.O, p.TQ)
}

func (p *Plan) checkKeys(o *Operands) {
	p.need("K", o.K, p.TK)
	p.need("V", o.V, p.TK)
}

func (p *Plan) need(name string, r Rows, length int) {
	rows, width := p.B*length, p.Heads*p.D
	if r.Format == convert.F16 {
		panic(fmt.Sprintf("attn: %s is F16; F32 and BF16 are known", name))
	}
	if r.Stride < width {
		panic(fmt.Sprintf("attn: rows of %s are %d values apart, but %d long", name, r.Stride, width))
	}
	if n := (rows-1)*r.Stride + width; len(r.Data) < n*r.Format.Size() {
		panic(fmt.Sprintf("attn: %s has %d bytes, %d are needed", name, len(r.Data), n*r.Format.Size()))
	}
}
