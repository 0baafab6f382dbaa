package conv_test

import (
	"fmt"
	"testing"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// layers are the shapes of convolutions of SDXL.
var layers = []conv.Shape{
	same3x3(1, 128, 128, 320, 320), same3x3(1, 64, 64, 640, 640), same3x3(2, 64, 64, 640, 640),
	same3x3(1, 32, 32, 1280, 1280), same3x3(2, 32, 32, 1280, 1280),
	same3x3(1, 128, 128, 512, 512), same3x3(1, 512, 512, 128, 128),
	same3x3(1, 128, 128, 4, 320), same3x3(1, 128, 128, 320, 4), same3x3(1, 256, 256, 128, 3), same3x3(1, 8, 8, 64, 64),
	{1, 128, 128, 320, 320, 3, 3, 2, 1, 1, 1, 1}, {1, 64, 64, 1280, 640, 1, 1, 1, 0, 0, 0, 0},
}

// BenchmarkF32 convolves as the layers of SDXL do, on one goroutine and on two.
func BenchmarkF32(b *testing.B) {
	eachLayer(b, conv.NewPlan, func(s *kerneltest.Source, shape conv.Shape) *conv.Operands {
		return &newProblem(s, shape, variant{format: convert.F16, bias: true}).o
	})
}

// BenchmarkBF16 does so with images in bfloat16.
func BenchmarkBF16(b *testing.B) {
	eachLayer(b, conv.NewPlanBF16, func(s *kerneltest.Source, shape conv.Shape) *conv.Operands {
		return &newBF16(s, shape, variant{format: convert.F16, bias: true}, narrow{x: true, y: true}).run16
	})
}

func eachLayer(b *testing.B, plan func(conv.Shape) *conv.Plan, operands func(*kerneltest.Source, conv.Shape) *conv.Operands) {
	for _, shape := range layers {
		for _, threads := range []int{1, 2} {
			name := fmt.Sprintf("%dx%dx%dx%d-%dk%ds%d", shape.B, shape.H, shape.W, shape.CI, shape.CO, shape.KW, shape.Stride)
			b.Run(fmt.Sprintf("%s/threads=%d", name, threads), func(b *testing.B) {
				s := kerneltest.NewSource(b, guard.Back)
				o, p := operands(s, shape), plan(shape)
				kerneltest.BenchmarkUnits(b, threads, p, func(unit int, mem []byte) { p.Run(unit, mem, o) })
				outputs := shape.B * shape.OutH() * shape.OutW() * shape.CO
				kerneltest.ReportFLOPs(b, 2*float64(outputs)*float64(shape.CI*shape.KH*shape.KW))
			})
		}
	}
}
