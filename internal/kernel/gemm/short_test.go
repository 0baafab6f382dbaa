package gemm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// TestShortOperands: operands whose rows are apart are as long as their last row
// needs; one value less is refused before it is read.
func TestShortOperands(t *testing.T) {
	const m, n, k = 5, 7, 9
	s := kerneltest.NewSource(t, guard.Back)
	for name, cut := range map[string]func(p *problem){
		"none": func(*problem) {},
		"A":    func(p *problem) { p.A = p.A[:len(p.A)-1] },
		"C":    func(p *problem) { p.C = p.C[:len(p.C)-1] },
		"Add":  func(p *problem) { p.Add = p.Add[:len(p.Add)-1] },
		"Bias": func(p *problem) { p.Bias = p.Bias[:len(p.Bias)-1] },
		"rows": func(p *problem) { p.LDA = k - 1 },
	} {
		p := newProblem(s, m, n, k, variant{format: convert.F32, bias: true, add: true, gapA: 6, gapC: 4, gapAdd: 3})
		plan := gemm.NewPlan(m, n, k)
		cut(p)
		run := func() {
			for unit := range plan.Units() {
				plan.Run(unit, s.Scratch(plan.ScratchSize()), &p.Operands)
			}
		}
		if name == "none" {
			require.NotPanics(t, run)
		} else {
			require.Panics(t, run, name)
		}
	}
}
