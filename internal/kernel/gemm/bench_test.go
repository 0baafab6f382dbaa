package gemm_test

import (
	"fmt"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// BenchmarkRun multiplies as the layers of SDXL do, on one goroutine.
func BenchmarkRun(b *testing.B) {
	for _, size := range [][3]int{
		{2048, 1280, 1280}, {2048, 10240, 1280}, {2048, 1280, 5120}, {8192, 640, 640}, {8192, 640, 2560},
		{154, 1280, 2048}, {77, 768, 768}, {2, 1280, 1280},
	} {
		m, n, k := size[0], size[1], size[2]
		b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			p := newProblem(s, m, n, k, variant{format: convert.F16, bias: true})
			plan := gemm.NewPlan(m, n, k)
			mem := s.Scratch(plan.ScratchSize())
			for b.Loop() {
				for u := range plan.Units() {
					plan.Run(u, mem, &p.Operands)
				}
			}
			kerneltest.ReportFLOPs(b, 2*float64(m)*float64(n)*float64(k))
		})
	}
}

// BenchmarkPack reads a weight as a unit of work does.
func BenchmarkPack(b *testing.B) {
	kernel := gemm.Current()
	for _, f := range kerneltest.Formats {
		b.Run(f.String(), func(b *testing.B) {
			const n, k = 160, 640
			s := kerneltest.NewSource(b, guard.Back)
			p := newProblem(s, 1, n, k, variant{format: f})
			dst := make([]float32, kernel.PanelsLen(n, k))
			for b.Loop() {
				kernel.Pack(dst, p.W, 0, n, 0, k, k, nil)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/(n*k), "ns/value")
		})
	}
}
