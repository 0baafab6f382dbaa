package attn_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/attn"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// problem is an attention with all its operands.
type problem struct {
	attn.Shape
	o attn.Operands
}

// newProblem makes operands whose rows have gaps between them.
func newProblem(s *kerneltest.Source, shape attn.Shape) *problem {
	p, width := &problem{Shape: shape}, shape.Heads*shape.D
	p.o.LDQ, p.o.LDK, p.o.LDV, p.o.LDO = width+1, width+5, width+2, width+3
	p.o.Q = s.Floats((p.B*p.TQ-1)*p.o.LDQ + width)
	p.o.K = s.Floats((p.B*p.TK-1)*p.o.LDK + width)
	p.o.V = s.Floats((p.B*p.TK-1)*p.o.LDV + width)
	p.o.O = s.NaNs((p.B*p.TQ-1)*p.o.LDO + width)
	return p
}

// want returns a head's output for one query, and per element the greatest
// error that float32 arithmetic excuses.
func (p *problem) want(b, h, i int) (sums []kerneltest.Sum) {
	scale := float64(p.Scale)
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(p.D))
	}
	seen := p.TK
	if p.Causal {
		seen = min(seen, i+1)
	}
	q := p.o.Q[(b*p.TQ+i)*p.o.LDQ+h*p.D:][:p.D]
	weights, greatest, total := make([]float64, seen), math.Inf(-1), 0.0
	for j := range weights {
		for d, v := range p.o.K[(b*p.TK+j)*p.o.LDK+h*p.D:][:p.D] {
			weights[j] += float64(q[d]) * float64(v)
		}
		weights[j] *= scale
		greatest = max(greatest, weights[j])
	}
	for j, w := range weights {
		weights[j] = math.Exp(w - greatest)
		total += weights[j]
	}
	sums = make([]kerneltest.Sum, p.D)
	for j, w := range weights {
		for d, v := range p.o.V[(b*p.TK+j)*p.o.LDV+h*p.D:][:p.D] {
			sums[d].Add(w / total * float64(v))
		}
	}
	return sums
}

func (p *problem) run(s *kerneltest.Source) {
	plan := attn.NewPlan(p.Shape)
	mem := s.Scratch(plan.ScratchSize())
	for u := plan.Units() - 1; u >= 0; u-- {
		plan.Run(u, mem, &p.o)
	}
}

func (p *problem) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	p.run(s)
	for b := range p.B {
		for h := range p.Heads {
			for i := range p.TQ {
				got := p.o.O[(b*p.TQ+i)*p.o.LDO+h*p.D:]
				for d, w := range p.want(b, h, i) {
					kerneltest.RequireClose(t, w, got[d], 2e-6, "%+v: image %d, head %d, query %d, value %d", p.Shape, b, h, i, d)
				}
			}
		}
	}
	width := p.Heads * p.D
	for i, v := range p.o.O {
		if i%p.o.LDO >= width {
			require.Truef(t, math.IsNaN(float64(v)), "write between rows at %d", i)
		}
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
		for _, shape := range []attn.Shape{
			{B: 1, Heads: 1, TQ: 1, TK: 1, D: 1},
			{B: 2, Heads: 3, TQ: 13, TK: 77, D: 64},
			{B: 1, Heads: 2, TQ: 50, TK: 5, D: 16},
			{B: 1, Heads: 2, TQ: 20, TK: 1100, D: 40},
			{B: 1, Heads: 1, TQ: 600, TK: 9, D: 10}, // several units
			{B: 1, Heads: 1, TQ: 13, TK: 150, D: 512},
			{B: 2, Heads: 1, TQ: 17, TK: 130, D: 97, Scale: 0.3},
			{B: 1, Heads: 1, TQ: 3, TK: 70, D: 700},
		} {
			t.Run(fmt.Sprintf("%+v", shape), func(t *testing.T) { newProblem(s, shape).requireCorrect(t, s) })
		}
	})
}

func TestCausal(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, shape := range []attn.Shape{
			{B: 2, Heads: 2, TQ: 77, TK: 77, D: 64, Causal: true},
			{B: 1, Heads: 1, TQ: 600, TK: 600, D: 8, Causal: true},
			{B: 1, Heads: 1, TQ: 20, TK: 9, D: 12, Causal: true},
			{B: 1, Heads: 1, TQ: 9, TK: 20, D: 12, Causal: true},
		} {
			t.Run(fmt.Sprintf("%+v", shape), func(t *testing.T) { newProblem(s, shape).requireCorrect(t, s) })
		}
	})
}

// What a query may not see must not reach it, not even as a NaN.
func TestCausalDoesNotReadTheFuture(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, attn.Shape{B: 1, Heads: 1, TQ: 40, TK: 40, D: 16, Causal: true})
		for i := 30 * p.o.LDK; i < len(p.o.K); i++ {
			p.o.K[i] = float32(math.NaN())
		}
		for i := 30 * p.o.LDV; i < len(p.o.V); i++ {
			p.o.V[i] = float32(math.Inf(1))
		}
		p.run(s)
		for i := range 40 {
			for d := range p.D {
				require.Equal(t, i >= 30, math.IsNaN(float64(p.o.O[i*p.o.LDO+d])), "query %d", i)
			}
		}
	})
}

// Scores far apart, growing and shrinking from block to block, exercise the
// rescaling and the whole range of the exponential.
func TestLargeScores(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		p := newProblem(s, attn.Shape{B: 1, Heads: 1, TQ: 14, TK: 1600, D: 1, Scale: 1})
		for i := range p.TQ {
			p.o.Q[i*p.o.LDQ] = float32(int(1) << i)
		}
		for j := range p.TK {
			p.o.K[j*p.o.LDK] = float32(j%700) / 1024 // products are exact
		}
		p.requireCorrect(t, s)
	})
}

func TestNaNAndInf(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, bad := range []float32{nan, inf, -inf} {
			p := newProblem(s, attn.Shape{B: 1, Heads: 1, TQ: 30, TK: 1100, D: 20})
			p.o.Q[5*p.o.LDQ] = bad
			p.requireCorrect(t, s)
			p.o.V[700*p.o.LDV+3] = bad
			p.requireCorrect(t, s)
		}
		// Scores of -Inf count as absent, be they a whole block.
		p := newProblem(s, attn.Shape{B: 1, Heads: 1, TQ: 15, TK: 1100, D: 1})
		for i := range p.TQ {
			p.o.Q[i*p.o.LDQ] = 1
		}
		for j := range 600 {
			p.o.K[j*p.o.LDK] = -inf
		}
		p.o.K[1000*p.o.LDK] = -inf
		p.requireCorrect(t, s)
		for j := range p.TK { // all of them: NaN
			p.o.K[j*p.o.LDK] = -inf
		}
		p.requireCorrect(t, s)
		p.o.K[50*p.o.LDK] = nan
		p.requireCorrect(t, s)
	})
}

func TestQueriesDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, causal := range []bool{false, true} {
			p := newProblem(s, attn.Shape{B: 3, Heads: 2, TQ: 70, TK: 600, D: 24, Causal: causal})
			p.run(s)
			one := &problem{Shape: p.Shape, o: p.o}
			one.B, one.o.Q, one.o.K, one.o.V = 1, p.o.Q[70*p.o.LDQ:], p.o.K[600*p.o.LDK:], p.o.V[600*p.o.LDV:]
			for _, n := range []int{1, 2, 5, 13, 37} {
				one.TQ, one.o.O = n, s.NaNs(n*p.o.LDO)
				one.run(s)
				for i := range n {
					width := p.Heads * p.D
					require.Equal(t, p.o.O[(70+i)*p.o.LDO:][:width], one.o.O[i*p.o.LDO:][:width], "query %d of %d", i, n)
				}
			}
		}
	})
}

func TestImpossibleShapesPanic(t *testing.T) {
	good := attn.Shape{B: 1, Heads: 2, TQ: 3, TK: 4, D: 5}
	for name, change := range map[string]func(s *attn.Shape){
		"negative batch": func(s *attn.Shape) { s.B = -1 },
		"no keys":        func(s *attn.Shape) { s.TK = 0 },
		"no values":      func(s *attn.Shape) { s.D = 0 },
		"negative scale": func(s *attn.Shape) { s.Scale = -1 },
		"NaN scale":      func(s *attn.Shape) { s.Scale = float32(math.NaN()) },
	} {
		shape := good
		change(&shape)
		require.Panics(t, func() { attn.NewPlan(shape) }, name)
	}
	require.NotPanics(t, func() { attn.NewPlan(good) })
}

func TestShortOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	for name, shorten := range map[string]func(o *attn.Operands){
		"Q":      func(o *attn.Operands) { o.Q = o.Q[1:] },
		"K":      func(o *attn.Operands) { o.K = o.K[1:] },
		"V":      func(o *attn.Operands) { o.V = o.V[1:] },
		"O":      func(o *attn.Operands) { o.O = o.O[1:] },
		"stride": func(o *attn.Operands) { o.LDV = 9 },
	} {
		p := newProblem(s, attn.Shape{B: 1, Heads: 2, TQ: 3, TK: 4, D: 5})
		shorten(&p.o)
		plan := attn.NewPlan(p.Shape)
		require.Panics(t, func() { plan.Run(0, make([]byte, plan.ScratchSize()), &p.o) }, name)
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, attn.Shape{B: 1, Heads: 1, TQ: 30, TK: 600, D: 40, Causal: true})
		plan := attn.NewPlan(p.Shape)
		mem := s.Scratch(plan.ScratchSize())
		require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.o) }))
	})
}
