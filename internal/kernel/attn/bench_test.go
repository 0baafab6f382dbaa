package attn_test

import (
	"fmt"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/attn"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// BenchmarkRun attends as the layers of SDXL do, on one goroutine.
func BenchmarkRun(b *testing.B) {
	for _, shape := range []attn.Shape{
		{B: 1, Heads: 2, TQ: 4096, TK: 4096, D: 64}, {B: 1, Heads: 10, TQ: 1024, TK: 1024, D: 64},
		{B: 1, Heads: 10, TQ: 1024, TK: 77, D: 64}, {B: 1, Heads: 1, TQ: 4096, TK: 4096, D: 512},
		{B: 1, Heads: 12, TQ: 77, TK: 77, D: 64, Causal: true},
	} {
		b.Run(fmt.Sprintf("%dx%dx%dx%d", shape.Heads, shape.TQ, shape.TK, shape.D), func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			p := newProblem(s, shape)
			plan := attn.NewPlan(shape)
			mem := s.Scratch(plan.ScratchSize())
			for b.Loop() {
				for u := range plan.Units() {
					plan.Run(u, mem, &p.o)
				}
			}
			kerneltest.ReportFLOPs(b, 4*float64(shape.B*shape.Heads*shape.TQ)*float64(shape.TK*shape.D))
		})
	}
}
