package winograd_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
	"github.com/df65613c/easel/internal/kernel/winograd"
)

var benchmarked = []conv.Shape{
	shape(2, 64, 64, 640, 640), shape(2, 128, 128, 320, 320), shape(2, 32, 32, 1280, 1280), shape(1, 32, 32, 1280, 1280),
	shape(2, 32, 32, 2560, 1280), shape(2, 64, 64, 1920, 640), shape(2, 128, 128, 960, 320),
	shape(1, 128, 128, 512, 512), shape(1, 512, 512, 256, 256), shape(1, 512, 512, 128, 128), shape(1, 16, 16, 640, 640),
}

func name(s conv.Shape) string { return fmt.Sprintf("%dx%dx%dx%d-%d", s.B, s.H, s.W, s.CI, s.CO) }

// BenchmarkRun convolves as the layers of SDXL do, on as many goroutines as
// GOMAXPROCS says. The operations are those of a direct convolution.
func BenchmarkRun(b *testing.B) {
	for _, shape := range benchmarked {
		b.Run(name(shape), func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			p := newProblem(s, shape, variant{format: convert.F16, bias: true})
			plan := winograd.NewPlan(shape)
			workspace, mem := s.Scratch(plan.WorkspaceSize()), workers(s, plan.ScratchSize())
			for b.Loop() {
				for phase := range plan.Phases() {
					spread(mem, plan.Units(phase), func(unit int, mem []byte) { plan.Run(phase, unit, workspace, mem, &p.o) })
				}
			}
			report(b, shape)
		})
	}
}

// BenchmarkBF16 does so with operands in bfloat16.
func BenchmarkBF16(b *testing.B) {
	for _, shape := range benchmarked {
		b.Run(name(shape), func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			p := newBF16(s, shape, variant{format: convert.F16, bias: true}, wide{})
			plan := winograd.NewPlanBF16(shape)
			workspace, mem := s.Scratch(plan.WorkspaceSize()), workers(s, plan.ScratchSize())
			for b.Loop() {
				for phase := range plan.Phases() {
					spread(mem, plan.Units(phase), func(unit int, mem []byte) { plan.Run(phase, unit, workspace, mem, &p.run16) })
				}
			}
			report(b, shape)
		})
	}
}

// BenchmarkDirect does the same directly.
func BenchmarkDirect(b *testing.B) {
	for _, shape := range benchmarked {
		b.Run(name(shape), func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			p := newProblem(s, shape, variant{format: convert.F16, bias: true})
			plan := conv.NewPlan(shape)
			mem := workers(s, plan.ScratchSize())
			for b.Loop() {
				spread(mem, plan.Units(), func(unit int, mem []byte) { plan.Run(unit, mem, &p.o) })
			}
			report(b, shape)
		})
	}
}

func report(b *testing.B, s conv.Shape) {
	kerneltest.ReportFLOPs(b, 18*float64(s.B*s.H*s.W)*float64(s.CI*s.CO))
}

// workers returns scratch memory for each goroutine.
func workers(s *kerneltest.Source, size int) [][]byte {
	mem := make([][]byte, runtime.GOMAXPROCS(0))
	for i := range mem {
		mem[i] = s.Scratch(size)
	}
	return mem
}

// spread does units on a goroutine for each scratch memory.
func spread(mem [][]byte, units int, do func(unit int, mem []byte)) {
	var next atomic.Int64
	var running sync.WaitGroup
	for _, m := range mem {
		running.Go(func() {
			for u := int(next.Add(1)) - 1; u < units; u = int(next.Add(1)) - 1 {
				do(u, m)
			}
		})
	}
	running.Wait()
}
