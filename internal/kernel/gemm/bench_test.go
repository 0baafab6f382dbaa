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
	eachLayer(b, func(s *kerneltest.Source, m, n, k int) (kerneltest.Plan, func(int, []byte)) {
		plan, p := gemm.NewPlan(m, n, k), newProblem(s, m, n, k, variant{format: convert.F16, bias: true})
		return plan, func(unit int, mem []byte) { plan.Run(unit, mem, &p.Operands) }
	})
}

// BenchmarkBF16 does so with activations in bfloat16.
func BenchmarkBF16(b *testing.B) {
	eachLayer(b, func(s *kerneltest.Source, m, n, k int) (kerneltest.Plan, func(int, []byte)) {
		plan, p := gemm.NewPlanBF16(m, n, k), newBF16(s, m, n, k, variant{format: convert.F16, bias: true}, narrow{a: true, c: true})
		return plan, func(unit int, mem []byte) { plan.Run(unit, mem, &p.o) }
	})
}

// BenchmarkI8 does so with quantised activations, and results in bfloat16.
func BenchmarkI8(b *testing.B) {
	eachLayer(b, func(s *kerneltest.Source, m, n, k int) (kerneltest.Plan, func(int, []byte)) {
		plan, p := gemm.NewPlanI8(m, n, k), newI8(s, m, n, k, variant{format: convert.F16, bias: true}, narrow{c: true})
		return plan, func(unit int, mem []byte) { plan.Run(unit, mem, &p.o) }
	})
}

func eachLayer(b *testing.B, prepare func(s *kerneltest.Source, m, n, k int) (plan kerneltest.Plan, run func(unit int, mem []byte))) {
	for _, size := range layers {
		m, n, k := size[0], size[1], size[2]
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%dx%dx%d/threads=%d", m, n, k, threads), func(b *testing.B) {
				s := kerneltest.NewSource(b, guard.Back)
				plan, run := prepare(s, m, n, k)
				kerneltest.BenchmarkUnits(b, threads, plan, run)
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

// BenchmarkQuantiseRow quantises a row of activations.
func BenchmarkQuantiseRow(b *testing.B) {
	src, dst := kerneltest.NewSource(b, guard.Back).Floats(1280), make([]byte, 1280)
	for b.Loop() {
		gemm.QuantiseRow(dst, src)
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/1280, "ns/value")
}
