package weights

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/nn"
)

// lengthEps keeps lengths of rows from being 0 where they are divided by.
const lengthEps = 1.1920929e-07

// unitSize is about how many numbers of a weight a unit of work reads.
const unitSize = 1 << 15

// Changes are the deltas of a weight as kernels take them. What must be computed
// from the whole weight is so by Make.
type Changes struct {
	gemm.Changes
	base  gemm.Matrix // the weight without them
	n, k  int
	bytes int64 // of what is kept in memory
	later []func(context.Context, *parallel.Pool) error

	mu sync.Mutex
}

// NewChanges returns the deltas of a weight whose stored numbers are base.
func NewChanges(w *nn.Weight, base gemm.Matrix) (*Changes, error) {
	if err := w.CheckDeltas(); err != nil {
		return nil, err
	}
	ch := &Changes{base: base}
	ch.n, ch.k = w.Matrix()
	for _, d := range w.Deltas {
		if err := ch.add(d); err != nil {
			return nil, fmt.Errorf("weight %s: %w", w.Name, err)
		}
	}
	return ch, nil
}

// Bytes returns what the changes take in memory beside the operands of the deltas.
func (ch *Changes) Bytes() int64 { return ch.bytes }

// Make computes what depends on the whole weight, once. Rows are not to be read before.
func (ch *Changes) Make(ctx context.Context, pool *parallel.Pool) error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for len(ch.later) > 0 {
		if err := ch.later[0](ctx, pool); err != nil {
			return err
		}
		ch.later = ch.later[1:]
	}
	return nil
}

// vector returns an operand in float32, which is kept.
func (ch *Changes) vector(w *nn.Weight) ([]float32, error) {
	v, err := Vector(w)
	ch.bytes += int64(4 * len(v))
	return v, err
}

// floats makes room for n numbers.
func (ch *Changes) floats(n int) []float32 {
	ch.bytes += int64(4 * n)
	return make([]float32, n)
}

func (ch *Changes) add(d nn.Delta) error {
	switch d := d.(type) {
	case nn.Rescale:
		by, err := ch.vector(d.By)
		if err != nil {
			return err
		}
		add := ch.baseFactors(d.Columns)
		for i := range add {
			add[i] += d.Scale * by[sliceOf(d.Columns, i, ch.k, len(by))]
		}
		return nil
	case nn.Mix:
		blocks, err := ch.vector(d.Blocks)
		ch.Mixes = append(ch.Mixes, gemm.Mix{Factor: gemm.Factor{Scale: d.Scale}, Blocks: blocks, Size: d.Blocks.Shape[1]})
		return err
	case nn.Projected:
		return ch.project(d)
	case nn.Directed:
		return ch.direct(d)
	default:
		return addPart(&ch.Changes, d, gemm.Factor{Scale: 1})
	}
}

// baseFactors returns what the rows of the weight are multiplied by, or what is
// added to that for its columns.
func (ch *Changes) baseFactors(columns bool) []float32 {
	if columns {
		if ch.Columns == nil {
			ch.Columns = ch.floats(ch.k)
		}
		return ch.Columns
	}
	if ch.Rows == nil {
		ch.Rows = ch.floats(ch.n)
		for i := range ch.Rows {
			ch.Rows[i] = 1
		}
	}
	return ch.Rows
}

// sliceOf returns which of a number of values is for row i, or column i of k.
func sliceOf(columns bool, i, k, values int) int {
	if columns {
		return i / (k / values)
	}
	return i
}

// addPart adds a delta that does not depend on the weight.
func addPart(to *gemm.Changes, d nn.Delta, f gemm.Factor) error {
	switch d := d.(type) {
	case nn.LowRank:
		p, err := product(d.Up, d.Down)
		f.Scale *= d.Scale
		to.LowRank = append(to.LowRank, gemm.LowRank{Factor: f, Product: p})
		return err
	case nn.Hadamard:
		p, err := product(d.Up, d.Down)
		if err != nil {
			return err
		}
		q, err := product(d.Up2, d.Down2)
		f.Scale *= d.Scale
		to.Hadamard = append(to.Hadamard, gemm.Hadamard{Factor: f, A: p, B: q})
		return err
	case nn.Kronecker:
		a, _, _, err := operand(d.A)
		if err != nil {
			return err
		}
		b, rows, cols, err := operand(d.B)
		f.Scale *= d.Scale
		to.Kronecker = append(to.Kronecker, gemm.Kronecker{Factor: f, A: a, B: b, BRows: rows, BCols: cols})
		return err
	case nn.Dense:
		m, _, _, err := operand(d.Diff)
		f.Scale *= d.Scale
		to.Dense = append(to.Dense, gemm.Dense{Factor: f, Diff: m})
		return err
	}
	return fmt.Errorf("there is no %T", d)
}

func product(up, down *nn.Weight) (p gemm.Product, err error) {
	if p.Up, _, p.Rank, err = operand(up); err != nil {
		return p, err
	}
	p.Down, _, _, err = operand(down)
	return p, err
}

// operand returns a weight of a delta as a matrix.
func operand(w *nn.Weight) (m gemm.Matrix, rows, cols int, err error) {
	t, f, err := Load(w)
	if err != nil {
		return m, 0, 0, err
	}
	if t, err = t.Contiguous(); err != nil {
		return m, 0, 0, fmt.Errorf("weight %s: %w", w.Name, err)
	}
	rows = w.Shape[0]
	cols = w.Shape[1:].NumElements()
	return gemm.Matrix{Data: Data(t), Format: f, RowStride: cols, ColStride: 1}, rows, cols, nil
}

// project adds W Right Down, as the product of W Right, which is computed
// later, and Down. In a kernel with taps, each tap has its own ranks.
func (ch *Changes) project(d nn.Projected) error {
	right, err := ch.vector(d.Right)
	if err != nil {
		return err
	}
	channels, rank := d.Right.Shape[0], d.Right.Shape[1:].NumElements()
	taps := ch.k / channels
	p := gemm.Product{Rank: rank * taps}
	up := ch.floats(ch.n * p.Rank)
	p.Up = gemm.Matrix{Data: Address(up), RowStride: p.Rank, ColStride: 1}
	if taps == 1 {
		if p.Down, _, _, err = operand(d.Down); err != nil {
			return err
		}
	} else {
		narrow, err := ch.vector(d.Down)
		if err != nil {
			return err
		}
		down := ch.floats(p.Rank * ch.k)
		for r := range p.Rank {
			for i := range channels {
				down[r*ch.k+i*taps+r%taps] = narrow[r/taps*channels+i]
			}
		}
		p.Down = gemm.Matrix{Data: Address(down), RowStride: ch.k, ColStride: 1}
	}
	ch.LowRank = append(ch.LowRank, gemm.LowRank{Factor: gemm.Factor{Scale: d.Scale}, Product: p})
	ch.later = append(ch.later, func(ctx context.Context, pool *parallel.Pool) error {
		return ch.eachRow(ctx, pool, ch.base, func(n int, row []float32) {
			for r := range p.Rank {
				sum := 0.0
				for i := range channels {
					sum += float64(row[i*taps+r%taps]) * float64(right[i*rank+r/taps])
				}
				up[n*p.Rank+r] = float32(sum)
			}
		})
	})
	return nil
}

// eachRow calls f with the rows of a matrix of the weight's size, from the
// threads of the pool.
func (ch *Changes) eachRow(ctx context.Context, pool *parallel.Pool, m gemm.Matrix, f func(n int, row []float32)) error {
	size := max(1, unitSize/max(1, ch.k))
	return pool.Run(ctx, (ch.n+size-1)/size, func(_, unit int) {
		row := make([]float32, ch.k)
		for n := unit * size; n < min((unit+1)*size, ch.n); n++ {
			m.Row(row, n, 0)
			f(n, row)
		}
	})
}

// direct adds a change of direction: of V = W + Of, and the lengths that it
// is to have over those of V, which are computed later, it is
//
//	Scale (ratio - 1) W + Scale ratio Of
func (ch *Changes) direct(d nn.Directed) error {
	lengths, err := ch.vector(d.Length)
	if err != nil {
		return err
	}
	size := ch.n
	if d.Columns {
		size = ch.k
	}
	ratio, factor := ch.floats(size), gemm.Factor{Scale: d.Scale}
	if d.Columns {
		factor.Columns = ratio
	} else {
		factor.Rows = ratio
	}
	if err := addPart(&ch.Changes, d.Of, factor); err != nil {
		return err
	}
	v := ch.base
	v.Changes = new(gemm.Changes)
	if err := addPart(v.Changes, d.Of, gemm.Factor{Scale: 1}); err != nil {
		return err
	}
	add := ch.baseFactors(d.Columns)
	ch.later = append(ch.later, func(ctx context.Context, pool *parallel.Pool) error {
		squares, err := ch.squares(ctx, pool, v, d.Columns, len(lengths))
		if err != nil {
			return err
		}
		for i := range ratio {
			at := sliceOf(d.Columns, i, ch.k, len(lengths))
			ratio[i] = float32(float64(lengths[at]) / (math.Sqrt(squares[at]) + lengthEps))
		}
		for i, r := range ratio {
			add[i] += d.Scale * (r - 1)
		}
		return nil
	})
	return nil
}

// squares returns the sums of the squares of the rows of v, or of a number of
// slices of its columns.
func (ch *Changes) squares(ctx context.Context, pool *parallel.Pool, v gemm.Matrix, columns bool, slices int) ([]float64, error) {
	sums := make([]float64, slices)
	if !columns {
		return sums, ch.eachRow(ctx, pool, v, func(n int, row []float32) {
			for _, x := range row {
				sums[n] += float64(x) * float64(x)
			}
		})
	}
	const most = 64 // slices in a unit: each reads all rows of its columns
	width := ch.k / slices
	err := pool.Run(ctx, (slices+most-1)/most, func(_, unit int) {
		from, to := unit*most, min((unit+1)*most, slices)
		row := make([]float32, (to-from)*width)
		for n := range ch.n {
			v.Row(row, n, from*width)
			for i, x := range row {
				sums[from+i/width] += float64(x) * float64(x)
			}
		}
	})
	return sums, err
}
