package winograd_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
	"github.com/df65613c/easel/internal/kernel/winograd"
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

func shape(b, h, w, ci, co int) conv.Shape {
	return conv.Shape{B: b, H: h, W: w, CI: ci, CO: co, KH: 3, KW: 3, Stride: 1, PadT: 1, PadL: 1, PadB: 1, PadR: 1}
}

func newProblem(s *kerneltest.Source, shape conv.Shape, v variant) *problem {
	p := &problem{Shape: shape}
	out := p.B * p.OutH() * p.W * p.CO
	p.o.X, p.o.Y = s.Floats(p.B*p.H*p.W*p.CI), s.NaNs(out)
	stored, values := s.Weights(p.CO*p.CI*9, v.format)
	p.o.W, p.o.Format, p.w = unsafe.Pointer(&stored[0]), v.format, values
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
	for tap := range 9 {
		y, x := oy-p.PadT+tap/3, ox-1+tap%3
		if y < 0 || y >= p.H || x < 0 || x >= p.W {
			continue
		}
		for ci, v := range p.o.X[((b*p.H+y)*p.W+x)*p.CI:][:p.CI] {
			sum.Add(float64(v) * float64(p.w[(co*p.CI+ci)*9+tap]))
		}
	}
	if p.o.Bias != nil {
		sum.Add(float64(p.o.Bias[co]))
	}
	if p.o.ChannelBias != nil {
		sum.Add(float64(p.o.ChannelBias[b*p.CO+co]))
	}
	if p.o.Add != nil {
		sum.Add(float64(p.o.Add[((b*p.OutH()+oy)*p.W+ox)*p.CO+co]))
	}
	return sum
}

// run does the phases in order, and the units of each last to first.
func (p *problem) run(s *kerneltest.Source) {
	plan := winograd.NewPlan(p.Shape)
	workspace, mem := s.Scratch(plan.WorkspaceSize()), s.Scratch(plan.ScratchSize())
	for phase := range plan.Phases() {
		for u := plan.Units(phase) - 1; u >= 0; u-- {
			plan.Run(phase, u, workspace, mem, &p.o)
		}
	}
}

// The error is relative to the magnitude of an output's terms. Where those are
// few, at borders and with few channels, the transforms' roundings show; see
// TestErrorBesideDirect for many.
const tolerance = 1e-5

func (p *problem) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	var want []kerneltest.Sum // before the run, as Add may be Y
	for i := range p.B * p.OutH() * p.W * p.CO {
		pixel := i / p.CO
		want = append(want, p.want(pixel/p.W/p.OutH(), pixel/p.W%p.OutH(), pixel%p.W, i%p.CO))
	}
	p.run(s)
	for i, w := range want {
		pixel := i / p.CO
		kerneltest.RequireClose(t, w, p.o.Y[i], tolerance, "%+v: row %d, column %d, channel %d", p.Shape, pixel/p.W, pixel%p.W, i%p.CO)
	}
}

func eachSide(t *testing.T, f func(t *testing.T, s *kerneltest.Source)) {
	cputest.EachLevel(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			t.Run(side.String(), func(t *testing.T) { f(t, kerneltest.NewSource(t, side)) })
		}
	})
}

func TestShapes(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, shape := range []conv.Shape{
			shape(1, 1, 1, 1, 1), shape(1, 4, 4, 16, 32), shape(2, 5, 7, 3, 5), shape(1, 9, 8, 33, 37),
			shape(1, 6, 3, 40, 70), shape(3, 8, 12, 20, 3), shape(1, 3, 5, 700, 9), shape(1, 2, 6, 1300, 40),
		} {
			t.Run(fmt.Sprintf("%+v", shape), func(t *testing.T) { newProblem(s, shape, variant{bias: true}).requireCorrect(t, s) })
		}
	})
}

func TestManyTiles(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, shape(2, 210, 190, 2, 2), variant{bias: true, channelBias: true})
		p.requireCorrect(t, s)
	})
}

func TestFormatsAndOperands(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, format := range kerneltest.Formats {
			for i := range 8 {
				v := variant{format: format, bias: i&1 != 0, channelBias: i&2 != 0, add: i&4 != 0}
				newProblem(s, shape(2, 5, 9, 19, 21), v).requireCorrect(t, s)
			}
		}
	})
}

func TestAddMayBeTheOutput(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, shape(1, 8, 9, 16, 40), variant{add: true})
		p.o.Y = p.o.Add
		p.requireCorrect(t, s)
	})
}

func TestEpilogueSeesEveryValueOnce(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, add := range []bool{false, true} {
			p := newProblem(s, shape(2, 9, 8, 16, 70), variant{bias: true, add: add})
			p.run(s)
			want := slices.Clone(p.o.Y)
			p.o.Epilogue = func(v []float32) {
				for i := range v {
					v[i] = -2 * v[i]
				}
			}
			p.run(s)
			for i, v := range p.o.Y {
				require.Equal(t, -2*want[i], v)
			}
		}
	})
}

// A NaN or an infinity reaches every pixel that it should, and no tile beyond:
// inside a tile it may reach others, and an infinity may become NaN.
func TestNaNAndInfStayNear(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
			p := newProblem(s, shape(1, 16, 16, 17, 18), variant{})
			p.o.X[(6*16+6)*17+16] = bad // the second tile of both axes alone
			p.run(s)
			for i, v := range p.o.Y {
				y, x := i/18/16, i/18%16
				finite := !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0)
				if max(y, 2*6-y) <= 7 && max(x, 2*6-x) <= 7 {
					require.False(t, finite, "row %d, column %d", y, x)
				}
				if y/4 != 1 || x/4 != 1 {
					require.True(t, finite, "row %d, column %d", y, x)
				}
			}
		}
	})
}

// With as many channels as SDXL has, the error is a small multiple of that of
// the direct sum.
func TestErrorBesideDirect(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, shape(1, 8, 8, 320, 8), variant{format: convert.F16})
		for i, v := range p.o.X {
			p.o.X[i] = max(v, -0.2)
		}
		rms := func() float64 {
			var sum, total float64
			for i, got := range p.o.Y {
				pixel := i / p.CO
				want := p.want(0, pixel/p.W, pixel%p.W, i%p.CO).Value
				sum += (float64(got) - want) * (float64(got) - want)
				total += want * want
			}
			return math.Sqrt(sum / total)
		}
		p.run(s)
		transformed := rms()
		plan := conv.NewPlan(p.Shape)
		mem := s.Scratch(plan.ScratchSize())
		for u := range plan.Units() {
			plan.Run(u, mem, &p.o)
		}
		direct := rms()
		t.Logf("relative error %.2g, direct %.2g", transformed, direct)
		require.Less(t, transformed, 3.5*direct)
		require.Less(t, transformed, 1.3e-6)
	})
}

func TestPixelsDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, shape(3, 10, 13, 24, 36), variant{bias: true, add: true})
		p.run(s)
		all := p.o.Y
		image := 10 * 13
		p.B, p.o.X, p.o.Add, p.o.Y = 1, p.o.X[2*image*24:], p.o.Add[2*image*36:], s.NaNs(image*36)
		p.run(s)
		require.Equal(t, all[2*image*36:], p.o.Y)
	})
}

func TestOtherShapesPanic(t *testing.T) {
	for name, change := range map[string]func(s *conv.Shape){
		"stride":  func(s *conv.Shape) { s.Stride = 2 },
		"kernel":  func(s *conv.Shape) { s.KH = 5 },
		"padding": func(s *conv.Shape) { s.PadL = 0 },
		"empty":   func(s *conv.Shape) { s.B = 0 },
	} {
		bad := shape(1, 4, 4, 8, 8)
		change(&bad)
		require.False(t, winograd.Supports(bad), name)
		require.False(t, winograd.Profitable(bad), name)
		require.Panics(t, func() { winograd.NewPlan(bad) }, name)
	}
}

func TestProfitable(t *testing.T) {
	require.True(t, winograd.Profitable(shape(1, 32, 32, 1280, 1280)))
	require.True(t, winograd.Profitable(shape(1, 16, 16, 320, 320)))
	require.False(t, winograd.Profitable(shape(4, 8, 8, 320, 320)), "few tiles in an image")
	require.False(t, winograd.Profitable(shape(1, 128, 128, 4, 320)), "few channels in")
	require.False(t, winograd.Profitable(shape(1, 128, 128, 320, 4)), "few channels out")
}

func TestUnfitOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	for name, spoil := range map[string]func(o *conv.Operands){
		"X":           func(o *conv.Operands) { o.X = o.X[1:] },
		"Y":           func(o *conv.Operands) { o.Y = o.Y[1:] },
		"Add":         func(o *conv.Operands) { o.Add = o.Add[1:] },
		"Bias":        func(o *conv.Operands) { o.Bias = o.Bias[1:] },
		"ChannelBias": func(o *conv.Operands) { o.ChannelBias = o.ChannelBias[1:] },
		"W":           func(o *conv.Operands) { o.W = nil },
		"bfloat16":    func(o *conv.Operands) { o.Add16 = make([]uint16, 1) },
	} {
		p := newProblem(s, shape(1, 4, 4, 8, 8), variant{bias: true, channelBias: true, add: true})
		spoil(&p.o)
		plan := winograd.NewPlan(p.Shape)
		workspace, mem := make([]byte, plan.WorkspaceSize()), make([]byte, plan.ScratchSize())
		require.Panics(t, func() { plan.Run(0, 0, workspace, mem, &p.o) }, name)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, shape(1, 9, 9, 20, 40), variant{add: true})
		plan := winograd.NewPlan(p.Shape)
		workspace, mem := s.Scratch(plan.WorkspaceSize()), s.Scratch(plan.ScratchSize())
		require.Zero(t, testing.AllocsPerRun(3, func() {
			plan.Run(0, 0, workspace, mem, &p.o)
			plan.Run(1, 0, workspace, mem, &p.o)
		}))
	})
}

// TestPartsGiveTheBytesOfTheWhole convolves an image at once, and in parts that
// begin at whole tiles, with the rows that their taps reach.
func TestPartsGiveTheBytesOfTheWhole(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		whole := newProblem(s, shape(1, 22, 9, 20, 18), variant{bias: true, add: true})
		whole.requireCorrect(t, s)
		row := whole.W * whole.CO
		for y0, y1 := 0, 0; y0 < whole.H; y0 = y1 {
			y1 = min(y0+2*winograd.TileRows, whole.H)
			part := *whole
			in0, in1 := max(0, y0-1), min(whole.H, y1+1)
			part.H, part.PadT, part.PadB = in1-in0, in0-(y0-1), y1+1-in1
			require.Equal(t, y1-y0, part.OutH())
			part.o.X = whole.o.X[in0*whole.W*whole.CI : in1*whole.W*whole.CI]
			part.o.Add = whole.o.Add[y0*row : y1*row]
			part.o.Y = s.NaNs((y1 - y0) * row)
			part.requireCorrect(t, s)
			require.Equal(t, whole.o.Y[y0*row:y1*row], part.o.Y)
		}
	})
}
