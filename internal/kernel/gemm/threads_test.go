package gemm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// TestUnitsForThreads: more threads have more units, and the same bytes.
func TestUnitsForThreads(t *testing.T) {
	const m, n, k = 16384, 16, 5
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, m, n, k, variant{format: convert.F16, bias: true})
		var want []float32
		units := 0
		for _, threads := range []int{1, 16, 64} {
			plan := gemm.NewPlan(m, n, k).For(threads)
			require.GreaterOrEqual(t, plan.Units(), units)
			units = plan.Units()
			mem := s.Scratch(plan.ScratchSize())
			for u := range units {
				plan.Run(u, mem, &p.Operands)
			}
			if want == nil {
				want = append(want, p.C...)
			}
			require.Equal(t, want, p.C, "%d threads", threads)
		}
		require.Greater(t, units, gemm.NewPlan(m, n, k).For(1).Units())
	})
}
