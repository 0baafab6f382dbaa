package attn_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/attn"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// BenchmarkRun attends as the layers of SDXL do, on as many goroutines as
// GOMAXPROCS says. Keys and values of the text (77) stay packed.
func BenchmarkRun(b *testing.B) {
	for _, shape := range []attn.Shape{
		{B: 1, Heads: 10, TQ: 4096, TK: 4096, D: 64}, {B: 1, Heads: 20, TQ: 1024, TK: 1024, D: 64},
		{B: 1, Heads: 10, TQ: 4096, TK: 77, D: 64}, {B: 1, Heads: 20, TQ: 1024, TK: 77, D: 64},
		{B: 1, Heads: 1, TQ: 4096, TK: 4096, D: 512}, {B: 1, Heads: 12, TQ: 77, TK: 77, D: 64, Causal: true},
	} {
		for _, format := range []convert.Format{convert.F32, convert.BF16} {
			if shape.Causal && format == convert.BF16 {
				continue
			}
			shape.Compute = format
			name := fmt.Sprintf("%dx%dx%dx%d-%v", shape.Heads, shape.TQ, shape.TK, shape.D, format)
			b.Run(name, func(b *testing.B) { benchmark(b, shape) })
		}
	}
}

func benchmark(b *testing.B, shape attn.Shape) {
	s := kerneltest.NewSource(b, guard.Back)
	p := newProblem(s, shape)
	p.format = shape.Compute
	plan, o := attn.NewPlan(shape), p.operands(s)
	packed := pack(s, plan, &o)
	mem := make([][]byte, runtime.GOMAXPROCS(0))
	for i := range mem {
		mem[i] = s.Scratch(max(plan.PackScratchSize(), plan.ScratchSize()))
	}
	for b.Loop() {
		if shape.TK != 77 {
			spread(mem, plan.PackUnits(), func(unit int, mem []byte) { plan.Pack(unit, packed, mem, &o) })
		}
		spread(mem, plan.Units(), func(unit int, mem []byte) { plan.Run(unit, packed, mem, &o) })
	}
	kerneltest.ReportFLOPs(b, 4*float64(shape.B*shape.Heads*shape.TQ)*float64(shape.TK*shape.D))
}

// spread does units on a goroutine for each scratch memory.
func spread(mem [][]byte, units int, do func(unit int, mem []byte)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for _, m := range mem {
		workers.Go(func() {
			for u := int(next.Add(1)) - 1; u < units; u = int(next.Add(1)) - 1 {
				do(u, m)
			}
		})
	}
	workers.Wait()
}
