package tensor

import (
	"context"
	"sync"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
)

// singles runs the float32 kernel, which reads both operands as they lie in
// memory where it can.
func (p *product) singles(out *Tensor) error {
	a, err := p.gemmRows()
	if err != nil {
		return err
	}
	b, err := p.gemmWeight()
	if err != nil {
		return err
	}
	c := out
	if out.dtype != F32 {
		if c, err = Zeros(F32, out.shape...); err != nil {
			return err
		}
	}
	format := convert.F32
	switch b.dtype {
	case F16:
		format = convert.F16
	case BF16:
		format = convert.BF16
	}
	av, cv := floats32(a.data), floats32(c.data)
	batches, last := p.batch.NumElements(), len(p.batch)
	plan := gemm.NewPlan(p.m, p.n, p.k)
	pool := poolFor(plan.Units() * batches)
	scratch := make([]*[]byte, pool.Threads())
	err = pool.Run(context.Background(), plan.Units()*batches, func(worker, unit int) {
		if scratch[worker] == nil {
			scratch[worker] = borrowScratch(plan.ScratchSize())
		}
		i := unit / plan.Units()
		o := gemm.Operands{
			A: av[p.offset(a, i):], LDA: a.strides[last],
			W: gemm.Matrix{
				Data:      unsafe.Pointer(&b.data[p.offset(b, i)*b.dtype.Size()]),
				Format:    format,
				RowStride: b.strides[last+1], ColStride: b.strides[last],
			},
			C: cv[i*p.m*p.n : (i+1)*p.m*p.n], LDC: p.n,
		}
		plan.Run(unit%plan.Units(), *scratch[worker], &o)
	})
	for _, s := range scratch {
		if s != nil {
			idleScratch.Put(s)
		}
	}
	if err != nil || c == out {
		return err
	}
	return copyElements(out, c)
}

// idleScratch holds the scratch memory of products that are done: to make it
// anew would take a small product longer than its packing.
var idleScratch sync.Pool

func borrowScratch(size int) *[]byte {
	if s, ok := idleScratch.Get().(*[]byte); ok && len(*s) >= size {
		return s
	}
	s := make([]byte, size)
	return &s
}

// gemmRows returns a broadcast to the batch, with the values of a row adjacent.
func (p *product) gemmRows() (*Tensor, error) {
	a, err := p.a.Convert(F32)
	if err != nil {
		return nil, err
	}
	last := len(a.shape) - 2
	adjacent := (p.k == 1 || a.strides[last+1] == 1) && (p.m == 1 || a.strides[last] >= p.k)
	if !adjacent || !aligned(a) {
		if a, err = a.Clone(); err != nil {
			return nil, err
		}
	}
	return p.spread(a)
}

// gemmWeight returns b broadcast to the batch, in a format of the kernel.
func (p *product) gemmWeight() (*Tensor, error) {
	b, err := p.b, error(nil)
	if b.dtype != F16 && b.dtype != BF16 {
		if b, err = b.Convert(F32); err != nil {
			return nil, err
		}
	}
	last := len(b.shape) - 2
	forward := (p.k == 1 || b.strides[last] > 0) && (p.n == 1 || b.strides[last+1] > 0)
	if !forward || !aligned(b) {
		if b, err = b.Clone(); err != nil {
			return nil, err
		}
	}
	return p.spread(b)
}

// aligned reports whether the memory of t is aligned to its elements.
func aligned(t *Tensor) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(t.data)))%uintptr(t.dtype.Size()) == 0
}

func floats32(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
