package attn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/attn"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// problem is an attention with all its operands, stored in a format.
type problem struct {
	attn.Shape
	format             convert.Format
	q, k, v, o         []float32
	ldq, ldk, ldv, ldo int
}

// newProblem makes operands whose rows have gaps between them.
func newProblem(s *kerneltest.Source, shape attn.Shape) *problem {
	p, width := &problem{Shape: shape}, shape.Heads*shape.D
	p.ldq, p.ldk, p.ldv, p.ldo = width+2, width+6, width+2, width+4
	p.q = s.Floats((p.B*p.TQ-1)*p.ldq + width)
	p.k = s.Floats((p.B*p.TK-1)*p.ldk + width)
	p.v = s.Floats((p.B*p.TK-1)*p.ldv + width)
	p.o = s.NaNs((p.B*p.TQ-1)*p.ldo + width)
	return p
}

// store returns rows of the values in the problem's format.
func (p *problem) store(s *kerneltest.Source, v []float32, stride int) attn.Rows {
	if p.format == convert.F32 {
		return attn.F32(v, stride)
	}
	b := guard.Bytes(s.TB, len(v)*p.format.Size(), s.Side)
	convert.FromF32(b, v, p.format)
	return attn.Rows{Data: b, Format: p.format, Stride: stride}
}

func (p *problem) operands(s *kerneltest.Source) attn.Operands {
	return attn.Operands{
		Q: p.store(s, p.q, p.ldq), K: p.store(s, p.k, p.ldk), V: p.store(s, p.v, p.ldv), O: p.store(s, p.o, p.ldo),
	}
}

// value is an operand's value as the products take it.
func (p *problem) value(v float32) float64 {
	if p.format == convert.BF16 || p.Compute == convert.BF16 {
		v = convert.BF16ToF32(convert.F32ToBF16(v))
	}
	return float64(v)
}

// tolerance is the error, relative to the sum of magnitudes, that roundings
// excuse: of the weights, and of the output.
func (p *problem) tolerance() float64 {
	t := 2e-6
	if p.Compute == convert.BF16 {
		t = 0x1p-8
	}
	if p.format == convert.BF16 {
		t += 0x1p-8
	}
	return t
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
	q := p.q[(b*p.TQ+i)*p.ldq+h*p.D:][:p.D]
	weights, greatest, total := make([]float64, seen), math.Inf(-1), 0.0
	for j := range weights {
		for d, v := range p.k[(b*p.TK+j)*p.ldk+h*p.D:][:p.D] {
			weights[j] += p.value(q[d]) * p.value(v)
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
		for d, v := range p.v[(b*p.TK+j)*p.ldv+h*p.D:][:p.D] {
			sums[d].Add(w / total * p.value(v))
		}
	}
	return sums
}

// run does both passes, each from its last unit to the first.
func (p *problem) run(s *kerneltest.Source) {
	plan, o := attn.NewPlan(p.Shape), p.operands(s)
	packed := pack(s, plan, &o)
	mem := s.Scratch(plan.ScratchSize())
	for u := plan.Units() - 1; u >= 0; u-- {
		plan.Run(u, packed, mem, &o)
	}
	if p.format != convert.F32 {
		convert.ToF32(p.o, o.O.Data, p.format)
	}
}

func pack(s *kerneltest.Source, plan *attn.Plan, o *attn.Operands) []byte {
	packed, mem := s.Scratch(plan.PackSize()), s.Scratch(plan.PackScratchSize())
	for u := plan.PackUnits() - 1; u >= 0; u-- {
		plan.Pack(u, packed, mem, o)
	}
	return packed
}

func (p *problem) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	p.run(s)
	for b := range p.B {
		for h := range p.Heads {
			for i := range p.TQ {
				got := p.o[(b*p.TQ+i)*p.ldo+h*p.D:]
				for d, w := range p.want(b, h, i) {
					kerneltest.RequireClose(t, w, got[d], p.tolerance(), "%+v in %v: image %d, head %d, query %d, value %d", p.Shape, p.format, b, h, i, d)
				}
			}
		}
	}
	width := p.Heads * p.D
	for i, v := range p.o {
		if i%p.ldo >= width {
			require.Truef(t, math.IsNaN(float64(v)), "write between rows at %d", i)
		}
	}
}

func eachSide(t *testing.T, f func(t *testing.T, s *kerneltest.Source)) {
	cputest.EachBF16(t, func(t *testing.T) {
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
			{B: 2, Heads: 1, TQ: 17, TK: 131, D: 97, Scale: 0.3},
			{B: 1, Heads: 3, TQ: 14, TK: 77, D: 33}, // heads begin at odd values
			{B: 1, Heads: 1, TQ: 3, TK: 70, D: 700},
		} {
			t.Run(fmt.Sprintf("%+v", shape), func(t *testing.T) { requireInAllFormats(t, s, shape) })
		}
	})
}

// requireInAllFormats tries formats of the operands with formats of the products.
func requireInAllFormats(t *testing.T, s *kerneltest.Source, shape attn.Shape) {
	for _, shape.Compute = range []convert.Format{convert.F32, convert.BF16} {
		for _, format := range []convert.Format{convert.F32, convert.BF16} {
			p := newProblem(s, shape)
			p.format = format
			p.requireCorrect(t, s)
		}
	}
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
		for i := 30 * p.ldk; i < len(p.k); i++ {
			p.k[i] = float32(math.NaN())
		}
		for i := 30 * p.ldv; i < len(p.v); i++ {
			p.v[i] = float32(math.Inf(1))
		}
		p.run(s)
		for i := range 40 {
			for d := range p.D {
				require.Equal(t, i >= 30, math.IsNaN(float64(p.o[i*p.ldo+d])), "query %d", i)
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
			p.q[i*p.ldq] = float32(int(1) << i)
		}
		for j := range p.TK {
			p.k[j*p.ldk] = float32(j%700) / 1024 // products are exact
		}
		p.requireCorrect(t, s)
	})
}

func TestNaNAndInf(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for i, bad := range []float32{nan, inf, -inf, nan, inf, -inf} {
			p := newProblem(s, attn.Shape{B: 1, Heads: 1, TQ: 30, TK: 1100, D: 20})
			if i >= 3 {
				p.Compute = convert.BF16
			}
			p.q[5*p.ldq] = bad
			p.requireCorrect(t, s)
			p.v[700*p.ldv+3] = bad
			p.requireCorrect(t, s)
		}
		// Scores of -Inf count as absent, be they a whole block.
		p := newProblem(s, attn.Shape{B: 1, Heads: 1, TQ: 15, TK: 1100, D: 1})
		for i := range p.TQ {
			p.q[i*p.ldq] = 1
		}
		for j := range 600 {
			p.k[j*p.ldk] = -inf
		}
		p.k[1000*p.ldk] = -inf
		p.requireCorrect(t, s)
		for j := range p.TK { // all of them: NaN
			p.k[j*p.ldk] = -inf
		}
		p.requireCorrect(t, s)
		p.k[50*p.ldk] = nan
		p.requireCorrect(t, s)
	})
}

func TestQueriesDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, shape := range []attn.Shape{
			{B: 3, Heads: 2, TQ: 70, TK: 600, D: 24}, {B: 3, Heads: 2, TQ: 70, TK: 600, D: 24, Causal: true},
			{B: 3, Heads: 2, TQ: 70, TK: 600, D: 24, Compute: convert.BF16},
		} {
			p := newProblem(s, shape)
			p.run(s)
			one := *p
			one.B, one.q, one.k, one.v = 1, p.q[70*p.ldq:], p.k[600*p.ldk:], p.v[600*p.ldv:]
			for _, n := range []int{1, 2, 5, 13, 37} {
				one.TQ, one.o = n, s.NaNs(n*p.ldo)
				one.run(s)
				for i := range n {
					width := p.Heads * p.D
					require.Equal(t, p.o[(70+i)*p.ldo:][:width], one.o[i*p.ldo:][:width], "query %d of %d", i, n)
				}
			}
		}
	})
}

// Packed keys and values serve until they change, whatever the queries.
func TestPackedKeysAreKept(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, attn.Shape{B: 2, Heads: 2, TQ: 20, TK: 77, D: 64, Compute: convert.BF16})
		plan, o := attn.NewPlan(p.Shape), p.operands(s)
		packed, mem := pack(s, plan, &o), s.Scratch(plan.ScratchSize())
		clear(o.K.Data)
		clear(o.V.Data)
		for u := range plan.Units() {
			plan.Run(u, packed, mem, &o)
		}
		got := slices.Clone(p.o)
		again := newProblem(kerneltest.NewSource(t, guard.Back), p.Shape)
		again.run(s)
		require.Equal(t, len(again.o), len(got))
		for i := range p.B * p.TQ {
			require.Equal(t, again.o[i*p.ldo:][:128], got[i*p.ldo:][:128])
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
		"F16":            func(s *attn.Shape) { s.Compute = convert.F16 },
		"NaN scale":      func(s *attn.Shape) { s.Scale = float32(math.NaN()) },
	} {
		shape := good
		change(&shape)
		require.Panics(t, func() { attn.NewPlan(shape) }, name)
	}
	require.NotPanics(t, func() { attn.NewPlan(good) })
}

func TestUnfitOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	p := newProblem(s, attn.Shape{B: 1, Heads: 2, TQ: 3, TK: 4, D: 5})
	plan := attn.NewPlan(p.Shape)
	good := p.operands(s)
	packed := pack(s, plan, &good)
	for name, spoil := range map[string]func(o *attn.Operands){
		"Q":      func(o *attn.Operands) { o.Q.Data = o.Q.Data[1:] },
		"K":      func(o *attn.Operands) { o.K.Data = o.K.Data[1:] },
		"V":      func(o *attn.Operands) { o.V.Data = o.V.Data[1:] },
		"O":      func(o *attn.Operands) { o.O.Data = o.O.Data[1:] },
		"stride": func(o *attn.Operands) { o.V.Stride = 9 },
		"format": func(o *attn.Operands) { o.K.Format = convert.F16 },
	} {
		o := good
		spoil(&o)
		require.Panics(t, func() { plan.Run(0, packed, make([]byte, plan.ScratchSize()), &o) }, name)
	}
	require.Panics(t, func() { plan.Run(0, packed[:8], make([]byte, plan.ScratchSize()), &good) }, "packed")
}

func TestRunDoesNotAllocate(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, shape := range []attn.Shape{
			{B: 1, Heads: 1, TQ: 30, TK: 600, D: 40, Causal: true}, {B: 1, Heads: 1, TQ: 30, TK: 600, D: 41, Compute: convert.BF16},
		} {
			p := newProblem(s, shape)
			plan, o := attn.NewPlan(p.Shape), p.operands(s)
			packed, mem := pack(s, plan, &o), s.Scratch(max(plan.PackScratchSize(), plan.ScratchSize()))
			require.Zero(t, testing.AllocsPerRun(3, func() {
				plan.Pack(0, packed, mem, &o)
				plan.Run(0, packed, mem, &o)
			}))
		}
	})
}
