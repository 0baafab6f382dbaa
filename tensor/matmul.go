package tensor

import "fmt"

// MatMul returns the matrix products of a, [..., M, K], and b, [..., K, N],
// which have one dtype. Leading axes are broadcast. As in NumPy an operand with
// one axis is a row on the left and a column on the right, and the result lacks
// that axis. For dtypes up to F32, sums are made in float32 and rounded once to
// the dtype; integers wrap around.
func MatMul(a, b *Tensor) (*Tensor, error) {
	p, err := newProduct(a, b)
	if err != nil {
		return nil, err
	}
	class := a.dtype.class()
	if a.dtype == Bool || class == opaque {
		return nil, undefined("MatMul", a)
	}
	out, err := Zeros(a.dtype, append(p.batch.Clone(), p.m, p.n)...)
	if err != nil {
		return nil, err
	}
	if out.NumElements() > 0 && p.k > 0 {
		switch class {
		case singles:
			err = p.singles(out)
		case doubles:
			err = multiply[float64](p, out)
		case signed:
			err = multiply[int64](p, out)
		case unsigned:
			err = multiply[uint64](p, out)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tensor: MatMul: %w", err)
	}
	shape := p.batch.Clone()
	if len(a.shape) > 1 {
		shape = append(shape, p.m)
	}
	if len(b.shape) > 1 {
		shape = append(shape, p.n)
	}
	return out.Reshape(shape...)
}

// product is a batch of products of [m, k] by [k, n]. The operands have at
// least two axes and are not broadcast yet.
type product struct {
	a, b    *Tensor
	batch   Shape
	m, n, k int
}

func newProduct(a, b *Tensor) (*product, error) {
	if a.dtype != b.dtype {
		return nil, fmt.Errorf("tensor: MatMul of %s and %s: convert one of them", a.dtype, b.dtype)
	}
	mismatch := func() error { return fmt.Errorf("tensor: MatMul of shapes %v and %v", a.shape, b.shape) }
	if len(a.shape) == 0 || len(b.shape) == 0 {
		return nil, mismatch()
	}
	p := &product{a: a, b: b}
	var err error
	if len(a.shape) == 1 {
		if p.a, err = a.Unsqueeze(0); err != nil {
			return nil, err
		}
	}
	if len(b.shape) == 1 {
		if p.b, err = b.Unsqueeze(1); err != nil {
			return nil, err
		}
	}
	ab, bb := len(p.a.shape)-2, len(p.b.shape)-2
	p.m, p.k, p.n = p.a.shape[ab], p.a.shape[ab+1], p.b.shape[bb+1]
	p.batch, err = BroadcastShapes(p.a.shape[:ab], p.b.shape[:bb])
	if err != nil || p.b.shape[bb] != p.k {
		return nil, mismatch()
	}
	return p, nil
}

// offset returns where the i-th matrix of a batch begins in t, which is
// broadcast to the batch.
func (p *product) offset(t *Tensor, i int) int {
	at := t.offset
	for axis, j := range unravel(i, p.batch) {
		at += j * t.strides[axis]
	}
	return at
}

// spread broadcasts an operand to the batch.
func (p *product) spread(t *Tensor) (*Tensor, error) {
	last := t.shape[len(t.shape)-2:]
	return t.Expand(append(p.batch.Clone(), last...)...)
}

// multiply is the product of classes that have no kernel, a row of the result
// at a time.
func multiply[T number](p *product, out *Tensor) error {
	a, err := p.spread(p.a)
	if err != nil {
		return err
	}
	b, err := p.spread(p.b)
	if err != nil {
		return err
	}
	rows, cols, to := operandOf[T](a), operandOf[T](b), operandOf[T](out)
	return forUnits(out.NumElements()/p.n, func(row int) {
		w := to.window()
		dst := make([]T, p.n)
		right := cols.window()
		for i, x := range rows.window().load(row*p.k, (row+1)*p.k) {
			at := (row/p.m*p.k + i) * p.n
			for j, y := range right.load(at, at+p.n) {
				dst[j] += x * y
			}
		}
		copy(w.room(row*p.n, (row+1)*p.n), dst)
		w.store(dst, row*p.n)
	})
}
