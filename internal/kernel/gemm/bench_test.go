package gemm_test

import (
	"fmt"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// layers are the sizes m, n, k of linear layers of SDXL.
var layers = [][3]int{
	{2048, 1280, 1280}, {2048, 10240, 1280}, {2048, 1280, 5120}, {8192, 640, 640}, {8192, 5120, 640}, {8192, 640, 2560},
	{154, 1280, 2048}, {77, 768, 768}, {2, 1280, 1280},
}

// BenchmarkF32 multiplies as the layers of SDXL do, on one goroutine and on two.
func BenchmarkF32(b *testing.B) {
	eachLayer(b, gemm.NewPlan, func(s *kerneltest.Source, m, n, k int) *gemm.Operands {
		return &newProblem(s, m, n, k, variant{format: convert.F16, bias: true}).Operands
	})
}

// BenchmarkBF16 does so with activations in bfloat16.
func BenchmarkBF16(b *testing.B) {
	eachLayer(b, gemm.NewPlanBF16, func(s *kerneltest.Source, m, n, k int) *gemm.Operands {
		return &newBF16(s, m, n, k, variant{format: convert.F16, bias: true}, narrow{a: true, c: true}).o
	})
}

func eachLayer(b *testing.B, plan func(m, n, k int) *gemm.Plan, operands func(s *kerneltest.Source, m, n, k int) *gemm.Operands) {
	for _, size := range layers {
		m, n, k := size[0], size[1], size[2]
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%dx%dx%d/threads=%d", m, n, k, threads), func(b *testing.B) {
				s := kerneltest.NewSource(b, guard.Back)
				o, p := operands(s, m, n, k), plan(m, n, k)
				kerneltest.BenchmarkUnits(b, threads, p, func(unit int, mem []byte) { p.Run(unit, mem, o) })
				kerneltest.ReportFLOPs(b, 2*float64(m)*float64(n)*float64(k))
			})
		}
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
