package conv_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// narrow says which operands are bfloat16 in memory.
type narrow struct{ x, add, y bool }

var narrows = []narrow{{}, {x: true}, {y: true}, {add: true}, {x: true, add: true, y: true}}

// bf16 is a convolution in bfloat16. The operands of the problem in it have the
// values that those of the convolution are rounded to.
type bf16 struct {
	problem
	run16 conv.Operands
}

func newBF16(s *kerneltest.Source, shape conv.Shape, v variant, in narrow) *bf16 {
	p := &bf16{problem: *newProblem(s, shape, v)}
	p.run16 = p.o
	if in.x {
		p.run16.X, p.run16.X16 = nil, s.BF16(p.o.X)
	}
	p.o.X, p.w = kerneltest.Rounded(p.o.X), kerneltest.Rounded(p.w)
	if in.y {
		p.run16.Y, p.run16.Y16 = nil, s.BF16(p.o.Y)
	}
	if in.add && p.o.Add != nil {
		p.run16.Add, p.run16.Add16 = nil, s.BF16(p.o.Add)
		p.o.Add = kerneltest.Rounded(p.o.Add)
	}
	return p
}

// run does the units last to first, and returns Y.
func (p *bf16) run(s *kerneltest.Source) []float32 {
	plan := conv.NewPlanBF16(p.Shape)
	mem := s.Scratch(plan.ScratchSize())
	for u := plan.Units() - 1; u >= 0; u-- {
		plan.Run(u, mem, &p.run16)
	}
	if p.run16.Y16 != nil {
		return kerneltest.Widened(p.run16.Y16)
	}
	return p.run16.Y
}

func (p *bf16) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	requireClose := kerneltest.RequireClose
	if p.run16.Y16 != nil {
		requireClose = kerneltest.RequireCloseBF16
	}
	for i, v := range p.run(s) {
		pixel, w := i/p.CO, p.OutW()
		want := p.want(pixel/w/p.OutH(), pixel/w%p.OutH(), pixel%w, i%p.CO)
		requireClose(t, want, v, 1e-6, "%+v: pixel %d, channel %d", p.Shape, pixel, i%p.CO)
	}
}

func eachSideBF16(t *testing.T, f func(t *testing.T, s *kerneltest.Source)) {
	cputest.EachBF16(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			t.Run(side.String(), func(t *testing.T) { f(t, kerneltest.NewSource(t, side)) })
		}
	})
}

func TestBF16ShapesAndFormats(t *testing.T) {
	shapes := []conv.Shape{
		same3x3(1, 1, 1, 1, 1),
		same3x3(1, 1, 1, 2, 1),
		same3x3(2, 5, 7, 4, 9),
		same3x3(1, 2, 30, 3, 40),
		same3x3(1, 31, 2, 10, 8),
		same3x3(2, 13, 13, 8, 3),
		same3x3(2, 3, 3, 180, 35), // several blocks of channels
		same3x3(1, 3, 15, 164, 34),
		{2, 9, 8, 6, 6, 3, 3, 2, 1, 1, 1, 1},
		{1, 8, 9, 6, 33, 3, 3, 2, 0, 0, 1, 1}, // the encoder's
		{1, 6, 7, 4, 5, 3, 3, 1, 0, 0, 0, 0},
		{3, 5, 4, 8, 34, 1, 1, 1, 0, 0, 0, 0},
		{3, 5, 4, 7, 34, 1, 1, 1, 0, 0, 0, 0},
		{2, 5, 4, 8, 4, 1, 1, 2, 0, 0, 0, 0},
		{1, 5, 4, 4, 4, 1, 1, 1, 1, 0, 2, 1}, // padded pixels have no tap at all
		{1, 6, 3, 2, 5, 2, 5, 1, 0, 3, 1, 4},
		{1, 3, 3, 2, 2, 7, 7, 1, 3, 3, 3, 3},
		{1, 9, 40, 2, 3, 3, 3, 3, 4, 5, 6, 7},
	}
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for i, shape := range shapes {
			for j, in := range narrows {
				v := all
				v.format = kerneltest.Formats[(i+j)%len(kerneltest.Formats)]
				t.Run(fmt.Sprint(shape, v.format, in), func(t *testing.T) { newBF16(s, shape, v, in).requireCorrect(t, s) })
			}
			newBF16(s, shape, variant{}, narrow{x: true, y: true}).requireCorrect(t, s)
		}
	})
}

func TestBF16AddMayBeY(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, shape := range []conv.Shape{same3x3(2, 3, 14, 180, 36), {2, 6, 14, 8, 36, 1, 1, 1, 0, 0, 0, 0}} {
			p := newBF16(s, shape, all, narrow{x: true, add: true, y: true})
			p.run16.Y16 = p.run16.Add16
			p.requireCorrect(t, s)
		}
	})
}

func TestBF16NaNAndInf(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			p := newBF16(s, same3x3(1, 5, 15, 8, 33), all, narrow{x: true, add: true, y: true})
			at := (2*15+14)*8 + 6
			p.o.X[at], p.run16.X16[at] = float32(bad), convert.F32ToBF16(float32(bad))
			p.o.Add[0], p.run16.Add16[0] = float32(bad), convert.F32ToBF16(float32(bad))
			p.o.Bias[3] = float32(bad)
			p.o.ChannelBias[32] = float32(bad)
			p.requireCorrect(t, s)
		}
	})
}

// A small image must give what it gives as part of a batch and of a larger image.
func TestBF16PixelsDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newBF16(s, same3x3(3, 20, 26, 192, 40), variant{format: convert.F16, bias: true}, narrow{x: true, y: true})
		whole := p.run(s)
		const in, out = 20 * 26 * 192, 20 * 26 * 40
		for b := range 3 {
			one := *p
			one.B, one.run16.X16, one.run16.Y16 = 1, p.run16.X16[b*in:], make([]uint16, out)
			require.Equal(t, whole[b*out:(b+1)*out], one.run(s))
		}
		top := *p // the first 7 rows, with a border row below
		top.B, top.H, top.PadB, top.run16.Y16 = 1, 8, 0, make([]uint16, 7*26*40)
		require.Equal(t, whole[:7*26*40], top.run(s))
	})
}

func TestBF16EpilogueSeesEveryElementOnce(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, shape := range []conv.Shape{same3x3(2, 7, 15, 320, 70), {2, 6, 14, 8, 36, 1, 1, 1, 0, 0, 0, 0}} {
			p := newBF16(s, shape, all, narrow{x: true, add: true, y: false})
			plain := append([]float32{}, p.run(s)...)
			p.run16.Epilogue = func(v []float32) {
				for i := range v {
					v[i] = 2*v[i] + 1
				}
			}
			for i, v := range p.run(s) {
				require.Equal(t, 2*plain[i]+1, v)
			}
		}
	})
}

func TestBF16BadOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	in := narrow{x: true, add: true, y: true}
	for name, spoil := range map[string]func(p *bf16){
		"short X":   func(p *bf16) { p.run16.X16 = p.run16.X16[1:] },
		"short Y":   func(p *bf16) { p.run16.Y16 = p.run16.Y16[1:] },
		"short Add": func(p *bf16) { p.run16.Add16 = p.run16.Add16[1:] },
		"X twice":   func(p *bf16) { p.run16.X = p.o.X },
	} {
		p := newBF16(s, same3x3(2, 4, 5, 6, 7), all, in)
		spoil(p)
		require.Panics(t, func() { p.run(s) }, name)
	}
	p := newBF16(s, same3x3(2, 4, 5, 6, 7), all, in)
	plan := conv.NewPlan(p.Shape)
	require.Panics(t, func() { plan.Run(0, s.Scratch(plan.ScratchSize()), &p.run16) }, "bfloat16 in a plan for float32")
}

func TestBF16RunDoesNotAllocate(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, shape := range []conv.Shape{same3x3(1, 6, 6, 180, 40), {2, 6, 6, 8, 36, 1, 1, 1, 0, 0, 0, 0}} {
			for _, in := range narrows {
				p := newBF16(s, shape, all, in)
				plan := conv.NewPlanBF16(shape)
				mem := s.Scratch(plan.ScratchSize())
				require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.run16) }))
			}
		}
	})
}
