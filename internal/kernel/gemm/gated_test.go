package gemm_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// product makes the gate's effect easy to foresee.
func product(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// TestGatedIsThePlainProductGated compares with a plain plan of all columns,
// bit by bit: the gates' sums are those of the plain plan.
func TestGatedIsThePlainProductGated(t *testing.T) {
	for name, plans := range map[string]struct{ plain, gated func(m, n, k int) *gemm.Plan }{
		"f32": {gemm.NewPlan, gemm.NewGatedPlan}, "bf16": {gemm.NewPlanBF16, gemm.NewGatedPlanBF16},
	} {
		cputest.EachBF16(t, func(t *testing.T) {
			for _, side := range guard.Sides {
				s := kerneltest.NewSource(t, side)
				for _, d := range [][3]int{{1, 1, 2}, {3, 5, 8}, {13, 31, 38}, {12, 32, 64}, {25, 33, 7}, {40, 96, 1400}, {130, 170, 2600}, {7, 48, 656}} {
					for _, in := range narrows[:3] {
						if name == "f32" && (in.a || in.c) {
							continue
						}
						m, n, k := d[0], d[1], d[2]
						for _, bias := range []bool{true, false} {
							p := newBF16(s, m, 2*n, k, variant{bias: bias}, narrow{a: in.a})
							run := func(plan *gemm.Plan, o gemm.Operands) {
								mem := s.Scratch(plan.ScratchSize())
								for u := plan.Units() - 1; u >= 0; u-- {
									plan.Run(u, mem, &o)
								}
							}
							run(plans.plain(m, 2*n, k), p.o)
							o := p.o
							o.C, o.LDC, o.Gate = s.NaNs(m*n), n, product
							if in.c {
								o.C, o.C16 = nil, s.BF16(o.C)
							}
							run(plans.gated(m, n, k), o)
							for i := range m * n {
								want := p.o.C[i/n*p.o.LDC+i%n] * p.o.C[i/n*p.o.LDC+n+i%n]
								got := float32(0)
								if in.c {
									want, got = convert.BF16ToF32(convert.F32ToBF16(want)), convert.BF16ToF32(o.C16[i])
								} else {
									got = o.C[i]
								}
								require.Equal(t, math.Float32bits(want), math.Float32bits(got), fmt.Sprint(name, d, in, " at ", i))
							}
						}
					}
				}
			}
		})
	}
}

// TestGatedI8IsThePlainProductGated does so with 8-bit integers.
func TestGatedI8IsThePlainProductGated(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, d := range [][3]int{{1, 1, 2}, {3, 5, 8}, {13, 31, 38}, {12, 32, 64}, {25, 33, 7}, {40, 96, 1400}, {30, 170, 2600}} {
			m, n, k := d[0], d[1], d[2]
			for _, bias := range []bool{true, false} {
				p := newI8(s, m, 2*n, k, variant{format: convert.F16, bias: bias}, narrow{})
				p.run(s)
				for _, short := range []bool{false, true} {
					o := p.o
					o.C, o.LDC, o.Gate = s.NaNs(m*n), n, product
					if short {
						o.C, o.C16 = nil, s.BF16(o.C)
					}
					plan := gemm.NewGatedPlanI8(m, n, k)
					mem := s.Scratch(plan.ScratchSize())
					for u := plan.Units() - 1; u >= 0; u-- {
						plan.Run(u, mem, &o)
					}
					got := o.C
					if short {
						got = kerneltest.Widened(o.C16)
					}
					for i, v := range got {
						want := p.o.C[i/n*p.o.LDC+i%n] * p.o.C[i/n*p.o.LDC+n+i%n]
						if short {
							want = convert.BF16ToF32(convert.F32ToBF16(want))
						}
						require.Equal(t, want, v, "%v at %d", d, i)
					}
				}
			}
		}
	})
}

func TestGatedChecksItsOperands(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Sides[0])
	p := newProblem(s, 4, 8, 4, variant{bias: true})
	o := p.Operands
	plan := gemm.NewGatedPlan(4, 4, 4)
	mem := s.Scratch(plan.ScratchSize())
	require.Panics(t, func() { plan.Run(0, mem, &o) }, "no Gate")
	o.Gate = product
	require.NotPanics(t, func() { plan.Run(0, mem, &o) })
	short := o
	short.Bias = o.Bias[:7]
	require.Panics(t, func() { plan.Run(0, mem, &short) })
	o.Add, o.LDAdd = o.C, 8
	require.Panics(t, func() { plan.Run(0, mem, &o) })
	require.Panics(t, func() { gemm.NewPlan(4, 8, 4).Run(0, mem, &o) }, "a Gate in a plain plan")
}
