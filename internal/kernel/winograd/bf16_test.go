package winograd_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
	"github.com/df65613c/easel/internal/kernel/winograd"
)

// bf16 is a convolution of an image in bfloat16. The operands of the problem in
// it have the values that those of the convolution are rounded to.
type bf16 struct {
	problem
	run16 conv.Operands
}

// wide says which operands stay float32.
type wide struct{ add, y bool }

func newBF16(s *kerneltest.Source, shape conv.Shape, v variant, in wide) *bf16 {
	p := &bf16{problem: *newProblem(s, shape, v)}
	p.run16 = p.o
	p.run16.X, p.run16.X16 = nil, s.BF16(p.o.X)
	p.o.X = kerneltest.Rounded(p.o.X)
	if !in.y {
		p.run16.Y, p.run16.Y16 = nil, s.BF16(p.o.Y)
	}
	if !in.add && p.o.Add != nil {
		p.run16.Add, p.run16.Add16 = nil, s.BF16(p.o.Add)
		p.o.Add = kerneltest.Rounded(p.o.Add)
	}
	return p
}

// run does the phases in order, and the units of each last to first, and returns Y.
func (p *bf16) run(s *kerneltest.Source) []float32 {
	plan := winograd.NewPlanBF16(p.Shape)
	workspace, mem := s.Scratch(plan.WorkspaceSize()), s.Scratch(plan.ScratchSize())
	for phase := range plan.Phases() {
		for u := plan.Units(phase) - 1; u >= 0; u-- {
			plan.Run(phase, u, workspace, mem, &p.run16)
		}
	}
	if p.run16.Y16 != nil {
		return kerneltest.Widened(p.run16.Y16)
	}
	return p.run16.Y
}

// errors returns the relative error of y over the whole image, and its greatest
// one beside the magnitude of the terms.
func (p *problem) errors(y []float32) (rms, greatest float64) {
	var sum, total float64
	for i, got := range y {
		pixel := i / p.CO
		want := p.want(pixel/p.W/p.OutH(), pixel/p.W%p.OutH(), pixel%p.W, i%p.CO)
		off := math.Abs(float64(got) - want.Value)
		sum, total = sum+off*off, total+want.Value*want.Value
		greatest = max(greatest, off/want.Magnitude)
		if off != off {
			return math.NaN(), math.NaN()
		}
	}
	return math.Sqrt(sum / total), greatest
}

func (p *bf16) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	var want []kerneltest.Sum // before the run, as Add may be Y
	for i := range p.B * p.OutH() * p.W * p.CO {
		pixel := i / p.CO
		want = append(want, p.want(pixel/p.W/p.OutH(), pixel/p.W%p.OutH(), pixel%p.W, i%p.CO))
	}
	for i, got := range p.run(s) {
		kerneltest.RequireClose(t, want[i], got, 0.03, "%+v: pixel %d, channel %d", p.Shape, i/p.CO, i%p.CO)
	}
}

func TestBF16Shapes(t *testing.T) {
	eachBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, shape := range []conv.Shape{
			shape(1, 4, 4, 16, 32), shape(2, 12, 16, 32, 64), shape(2, 5, 7, 48, 5), shape(1, 9, 8, 33, 37),
			shape(1, 13, 14, 16, 80), shape(3, 8, 12, 20, 3), shape(1, 3, 5, 704, 48), shape(1, 2, 6, 2592, 40),
		} {
			newBF16(s, shape, variant{format: convert.F16, bias: true, channelBias: true, add: true}, wide{}).requireCorrect(t, s)
		}
	})
}

func TestBF16FormatsAndOperands(t *testing.T) {
	eachBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, in := range []wide{{}, {add: true}, {y: true}, {add: true, y: true}} {
			for _, format := range kerneltest.Formats {
				newBF16(s, shape(1, 6, 8, 32, 48), variant{format: format, bias: true, add: true}, in).requireCorrect(t, s)
			}
			newBF16(s, shape(1, 6, 8, 32, 48), variant{}, in).requireCorrect(t, s)
		}
	})
}

// eachBF16 does so with the image before and behind a guarded page.
func eachBF16(t *testing.T, f func(t *testing.T, s *kerneltest.Source)) {
	cputest.EachBF16(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			t.Run(side.String(), func(t *testing.T) { f(t, kerneltest.NewSource(t, side)) })
		}
	})
}

// TestBF16ErrorBesideDirect holds the error to what rounding the transforms, of
// which it is the greatest part, has to give.
func TestBF16ErrorBesideDirect(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newBF16(s, shape(1, 8, 8, 320, 32), variant{format: convert.F16}, wide{y: true})
		transformed, _ := p.errors(p.run(s))
		plan := conv.NewPlanBF16(p.Shape)
		mem := s.Scratch(plan.ScratchSize())
		for u := range plan.Units() {
			plan.Run(u, mem, &p.run16)
		}
		direct, _ := p.errors(p.run16.Y)
		t.Logf("relative error %.2g, direct %.2g", transformed, direct)
		require.Less(t, transformed, 8*direct)
		require.Less(t, transformed, 1.3e-2)
	})
}

func TestBF16AddMayBeTheOutput(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newBF16(s, shape(1, 8, 9, 16, 48), variant{add: true}, wide{})
		p.run16.Y16 = p.run16.Add16
		p.requireCorrect(t, s)
	})
}

func TestBF16Epilogue(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, in := range []wide{{}, {y: true}} {
			p := newBF16(s, shape(1, 9, 8, 16, 64), variant{bias: true, add: true}, in)
			want := slices.Clone(p.run(s))
			p.run16.Epilogue = func(v []float32) {
				for i := range v {
					v[i] = -2 * v[i]
				}
			}
			for i, v := range p.run(s) {
				require.Equal(t, -2*want[i], v)
			}
		}
	})
}

// TestBF16PartsGiveTheBytesOfTheWhole convolves an image at once, and some rows
// and the second image by themselves.
func TestBF16PartsGiveTheBytesOfTheWhole(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		whole := newBF16(s, shape(2, 16, 9, 32, 32), variant{bias: true, add: true}, wide{})
		all := whole.run(s)
		part := *whole
		image, row := 16*9, 9
		part.B, part.H, part.PadT = 1, 16-7, 0 // rows 8 on, and the one above
		part.run16.X16 = whole.run16.X16[(image+7*row)*32:]
		part.run16.Add16 = whole.run16.Add16[(image+8*row)*32:]
		part.run16.Y16 = s.BF16(make([]float32, 8*row*32))
		require.Equal(t, all[(image+8*row)*32:], part.run(s))
	})
}

func TestBF16NaNStaysNear(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newBF16(s, shape(1, 16, 16, 16, 32), variant{}, wide{})
		p.run16.X16[(6*16+6)*16+15] = 0x7fc0 // the second tile of both axes alone
		for i, v := range p.run(s) {
			y, x := i/32/16, i/32%16
			nan := v != v
			if max(y, 2*6-y) <= 7 && max(x, 2*6-x) <= 7 {
				require.True(t, nan, "row %d, column %d", y, x)
			}
			if y/4 != 1 || x/4 != 1 {
				require.False(t, nan, "row %d, column %d", y, x)
			}
		}
	})
}

func TestBF16RunDoesNotAllocate(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newBF16(s, shape(1, 9, 9, 32, 48), variant{add: true}, wide{})
		plan := winograd.NewPlanBF16(p.Shape)
		workspace, mem := s.Scratch(plan.WorkspaceSize()), s.Scratch(plan.ScratchSize())
		require.Zero(t, testing.AllocsPerRun(3, func() {
			plan.Run(0, 0, workspace, mem, &p.run16)
			plan.Run(1, 0, workspace, mem, &p.run16)
		}))
	})
}
