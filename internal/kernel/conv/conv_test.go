package conv_test

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// problem is a convolution with all its operands, and the weight in float32.
type problem struct {
	conv.Shape
	o conv.Operands
	w []float32
}

type variant struct {
	format                 convert.Format
	bias, channelBias, add bool
}

var all = variant{bias: true, channelBias: true, add: true}

func newProblem(s *kerneltest.Source, shape conv.Shape, v variant) *problem {
	p := &problem{Shape: shape}
	out := p.B * p.OutH() * p.OutW() * p.CO
	p.o.X, p.o.Y = s.Floats(p.B*p.H*p.W*p.CI), s.NaNs(out)
	stored, values := s.Weights(p.CO*p.CI*p.KH*p.KW, v.format)
	p.o.W, p.o.Format, p.w = unsafe.Pointer(unsafe.SliceData(stored)), v.format, values
	if v.bias {
		p.o.Bias = s.Floats(p.CO)
	}
	if v.channelBias {
		p.o.ChannelBias = s.Floats(p.B * p.CO)
	}
	if v.add {
		p.o.Add = s.Floats(out)
	}
	return p
}

func (p *problem) want(b, oy, ox, co int) (sum kerneltest.Sum) {
	for ky := range p.KH {
		for kx := range p.KW {
			y, x := oy*p.Stride-p.PadT+ky, ox*p.Stride-p.PadL+kx
			if y < 0 || y >= p.H || x < 0 || x >= p.W {
				continue
			}
			for ci := range p.CI {
				v := p.o.X[((b*p.H+y)*p.W+x)*p.CI+ci]
				sum.Add(float64(v) * float64(p.w[((co*p.CI+ci)*p.KH+ky)*p.KW+kx]))
			}
		}
	}
	if p.o.Bias != nil {
		sum.Add(float64(p.o.Bias[co]))
	}
	if p.o.ChannelBias != nil {
		sum.Add(float64(p.o.ChannelBias[b*p.CO+co]))
	}
	if p.o.Add != nil {
		sum.Add(float64(p.o.Add[((b*p.OutH()+oy)*p.OutW()+ox)*p.CO+co]))
	}
	return sum
}

// run does the units last to first.
func (p *problem) run(s *kerneltest.Source) {
	plan := conv.NewPlan(p.Shape)
	mem := s.Scratch(plan.ScratchSize())
	for u := plan.Units() - 1; u >= 0; u-- {
		plan.Run(u, mem, &p.o)
	}
}

func (p *problem) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	var want []kerneltest.Sum // before the run, as Add may be Y
	for b := range p.B {
		for oy := range p.OutH() {
			for ox := range p.OutW() {
				for co := range p.CO {
					want = append(want, p.want(b, oy, ox, co))
				}
			}
		}
	}
	p.run(s)
	for i, w := range want {
		pixel := i / p.CO
		kerneltest.RequireClose(t, w, p.o.Y[i], 1e-6, "%+v: row %d, column %d, channel %d", p.Shape, pixel/p.OutW(), pixel%p.OutW(), i%p.CO)
	}
}

func eachSide(t *testing.T, f func(t *testing.T, s *kerneltest.Source)) {
	cputest.EachLevel(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			t.Run(side.String(), func(t *testing.T) { f(t, kerneltest.NewSource(t, side)) })
		}
	})
}

// same3x3 is the usual convolution, whose output is as large as its input.
func same3x3(b, h, w, ci, co int) conv.Shape {
	return conv.Shape{B: b, H: h, W: w, CI: ci, CO: co, KH: 3, KW: 3, Stride: 1, PadT: 1, PadL: 1, PadB: 1, PadR: 1}
}

func TestShapesAndFormats(t *testing.T) {
	shapes := []conv.Shape{
		same3x3(1, 1, 1, 1, 1),
		same3x3(2, 5, 7, 4, 9),
		same3x3(1, 2, 30, 3, 40),
		same3x3(1, 31, 2, 9, 8),
		same3x3(2, 13, 13, 8, 3),
		same3x3(1, 4, 5, 90, 35), // several blocks of channels
		{2, 9, 8, 5, 6, 3, 3, 2, 1, 1, 1, 1},
		{1, 8, 9, 6, 33, 3, 3, 2, 0, 0, 1, 1}, // the encoder's
		{1, 6, 7, 4, 5, 3, 3, 1, 0, 0, 0, 0},
		{3, 5, 4, 7, 34, 1, 1, 1, 0, 0, 0, 0},
		{2, 5, 4, 7, 4, 1, 1, 2, 0, 0, 0, 0},
		{1, 5, 4, 3, 4, 1, 1, 1, 1, 0, 2, 1}, // padded pixels have no tap at all
		{1, 6, 3, 2, 5, 2, 5, 1, 0, 3, 1, 4},
		{1, 3, 3, 2, 2, 7, 7, 1, 3, 3, 3, 3},
		{1, 9, 40, 2, 3, 3, 3, 3, 4, 5, 6, 7},
	}
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, shape := range shapes {
			for _, f := range kerneltest.Formats {
				t.Run(fmt.Sprint(shape, f), func(t *testing.T) {
					v := all
					v.format = f
					newProblem(s, shape, v).requireCorrect(t, s)
				})
			}
			newProblem(s, shape, variant{}).requireCorrect(t, s)
		}
	})
}

func TestAddMayBeY(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, shape := range []conv.Shape{same3x3(2, 3, 14, 90, 36), {2, 6, 14, 9, 36, 1, 1, 1, 0, 0, 0, 0}} {
			p := newProblem(s, shape, all)
			p.o.Y = p.o.Add
			p.requireCorrect(t, s)
		}
	})
}

func TestNaNAndInf(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			p := newProblem(s, same3x3(1, 5, 15, 7, 33), all)
			p.o.X[(2*15+14)*7+6] = float32(bad)
			p.o.Bias[3] = float32(bad)
			p.o.ChannelBias[32] = float32(bad)
			p.o.Add[0] = float32(bad)
			p.requireCorrect(t, s)
		}
	})
}

// A small image must give what it gives as part of a batch and of a larger image.
func TestPixelsDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		shape := same3x3(3, 20, 26, 96, 40)
		p := newProblem(s, shape, variant{format: convert.F16, bias: true, channelBias: true, add: true})
		p.run(s)
		out := 20 * 26 * 40
		for b := range 3 {
			one := *p
			one.B, one.o.X, one.o.ChannelBias = 1, p.o.X[b*20*26*96:], p.o.ChannelBias[b*40:]
			one.o.Add, one.o.Y = p.o.Add[b*out:], s.NaNs(out)
			one.run(s)
			require.Equal(t, p.o.Y[b*out:(b+1)*out], one.o.Y)
		}

		top := *p // the first 7 rows, with a border row below
		top.B, top.H, top.PadB, top.o.Y = 1, 8, 0, s.NaNs(7*26*40)
		top.run(s)
		require.Equal(t, p.o.Y[:7*26*40], top.o.Y)
	})
}

func TestEpilogueSeesEveryElementOnce(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, shape := range []conv.Shape{same3x3(2, 7, 15, 160, 70), {2, 6, 14, 9, 36, 1, 1, 1, 0, 0, 0, 0}} {
			p := newProblem(s, shape, all)
			p.run(s)
			plain := append([]float32{}, p.o.Y...)
			p.o.Epilogue = func(v []float32) {
				for i := range v {
					v[i] = 2*v[i] + 1
				}
			}
			p.run(s)
			for i, v := range plain {
				require.Equal(t, 2*v+1, p.o.Y[i])
			}
		}
	})
}

func TestSmallImagesMakeSeveralUnits(t *testing.T) {
	for _, shape := range []conv.Shape{same3x3(1, 8, 8, 32, 32), same3x3(1, 128, 128, 4, 320), same3x3(1, 1024, 1024, 128, 3)} {
		require.GreaterOrEqual(t, conv.NewPlan(shape).Units(), 4, "%+v", shape)
	}
	require.Zero(t, conv.NewPlan(same3x3(0, 8, 8, 32, 32)).Units())
}

func TestImpossibleShapesPanic(t *testing.T) {
	for name, change := range map[string]func(s *conv.Shape){
		"negative":     func(s *conv.Shape) { s.CI = -1 },
		"no stride":    func(s *conv.Shape) { s.Stride = 0 },
		"no kernel":    func(s *conv.Shape) { s.KH = 0 },
		"padding":      func(s *conv.Shape) { s.PadL = -1 },
		"large kernel": func(s *conv.Shape) { s.KW = 10 },
	} {
		shape := same3x3(1, 4, 4, 3, 3)
		change(&shape)
		require.Panics(t, func() { conv.NewPlan(shape) }, name)
	}
}

func TestShortOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	for name, shorten := range map[string]func(p *problem){
		"X":           func(p *problem) { p.o.X = p.o.X[1:] },
		"Y":           func(p *problem) { p.o.Y = p.o.Y[1:] },
		"Add":         func(p *problem) { p.o.Add = p.o.Add[1:] },
		"Bias":        func(p *problem) { p.o.Bias = p.o.Bias[1:] },
		"ChannelBias": func(p *problem) { p.o.ChannelBias = p.o.ChannelBias[1:] },
		"weight":      func(p *problem) { p.o.W = nil },
	} {
		p := newProblem(s, same3x3(2, 4, 5, 6, 7), all)
		shorten(p)
		plan := conv.NewPlan(p.Shape)
		require.Panics(t, func() { plan.Run(0, make([]byte, plan.ScratchSize()), &p.o) }, name)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, shape := range []conv.Shape{same3x3(1, 6, 6, 90, 40), {2, 6, 6, 9, 36, 1, 1, 1, 0, 0, 0, 0}} {
			p := newProblem(s, shape, all)
			plan := conv.NewPlan(shape)
			mem := s.Scratch(plan.ScratchSize())
			require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.o) }))
		}
	})
}
