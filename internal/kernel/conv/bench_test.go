package conv_test

import (
	"fmt"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// BenchmarkRun convolves as the layers of SDXL do, on one goroutine.
func BenchmarkRun(b *testing.B) {
	for _, shape := range []conv.Shape{
		same3x3(1, 128, 128, 320, 320), same3x3(1, 64, 64, 640, 640), same3x3(1, 32, 32, 1280, 1280),
		same3x3(2, 32, 32, 1280, 1280), same3x3(1, 128, 128, 512, 512), same3x3(1, 512, 512, 128, 128),
		same3x3(1, 128, 128, 4, 320), same3x3(1, 256, 256, 128, 3), same3x3(1, 8, 8, 64, 64),
		{1, 128, 128, 320, 320, 3, 3, 2, 1, 1, 1, 1}, {1, 64, 64, 1280, 640, 1, 1, 1, 0, 0, 0, 0},
	} {
		b.Run(fmt.Sprintf("%dx%dx%dx%d-%dk%ds%d", shape.B, shape.H, shape.W, shape.CI, shape.CO, shape.KW, shape.Stride), func(b *testing.B) {
			s := kerneltest.NewSource(b, guard.Back)
			p := newProblem(s, shape, variant{format: convert.F16, bias: true})
			plan := conv.NewPlan(shape)
			mem := s.Scratch(plan.ScratchSize())
			for b.Loop() {
				for u := range plan.Units() {
					plan.Run(u, mem, &p.o)
				}
			}
			kerneltest.ReportFLOPs(b, 2*float64(len(p.o.Y))*float64(shape.CI*shape.KH*shape.KW))
		})
	}
}
