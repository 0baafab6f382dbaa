package cpu

import (
	"context"
	"sync"

	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/nn"
)

// rowScales are the scales by which the rows of a weight are quantised. To find
// them all of the weight is read, so they are made once, at the first run of a
// program that needs them.
type rowScales struct {
	weight  gemm.Matrix
	rows, k int

	mu     sync.Mutex
	values []float32 // nil until they are made
}

// scalesOf returns the scales of a weight, which may not be made yet.
func (b *Backend) scalesOf(w *nn.Weight, m gemm.Matrix) *rowScales {
	s, _ := b.scales.of(w, func() (*rowScales, error) { // which never fails
		return &rowScales{weight: m, rows: w.Shape[0], k: w.Shape[1], values: m.OwnScales()}, nil
	})
	return s
}

// make makes the scales unless they are there.
func (s *rowScales) make(ctx context.Context, pool *parallel.Pool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values != nil {
		return nil
	}
	values := make([]float32, s.rows)
	blocks, size := rowBlocks(s.rows, s.k)
	err := pool.Run(ctx, blocks, func(_, unit int) {
		first := unit * size
		gemm.ScaleRows(values[first:min(first+size, s.rows)], s.weight, first, s.k)
	})
	if err == nil {
		s.values = values
	}
	return err
}
