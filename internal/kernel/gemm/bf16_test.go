package gemm_test

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// narrow says which operands are bfloat16 in memory.
type narrow struct{ a, add, c bool }

var narrows = []narrow{{}, {a: true}, {c: true}, {add: true}, {a: true, add: true, c: true}}

// bf16 is a product in bfloat16. The operands of the problem in it have the
// values that those of the product are rounded to.
type bf16 struct {
	problem
	o gemm.Operands
}

func newBF16(s *kerneltest.Source, m, n, k int, v variant, in narrow) *bf16 {
	p := &bf16{problem: *newProblem(s, m, n, k, v)}
	p.o = p.Operands
	if in.a {
		p.o.A, p.o.A16 = nil, s.BF16(p.A)
	}
	p.A, p.w = kerneltest.Rounded(p.A), kerneltest.Rounded(p.w)
	if in.c {
		p.o.C, p.o.C16 = nil, s.BF16(p.C)
	}
	if in.add && p.Add != nil {
		p.o.Add, p.o.Add16 = nil, s.BF16(p.Add)
		p.Add = kerneltest.Rounded(p.Add)
	}
	return p
}

// run does the units last to first, and returns C.
func (p *bf16) run(s *kerneltest.Source) []float32 {
	plan := gemm.NewPlanBF16(p.m, p.n, p.k)
	mem := s.Scratch(plan.ScratchSize())
	for u := plan.Units() - 1; u >= 0; u-- {
		plan.Run(u, mem, &p.o)
	}
	if p.o.C16 != nil {
		return kerneltest.Widened(p.o.C16)
	}
	return p.o.C
}

func (p *bf16) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	requireClose := kerneltest.RequireClose
	if p.o.C16 != nil {
		requireClose = kerneltest.RequireCloseBF16
	}
	for i, v := range p.run(s) {
		row, column := i/p.LDC, i%p.LDC
		if column >= p.n {
			require.Truef(t, math.IsNaN(float64(v)), "write between rows at %d", i)
			continue
		}
		requireClose(t, p.want(row, column), v, tolerance, "row %d, column %d", row, column)
	}
}

func eachSideBF16(t *testing.T, f func(t *testing.T, s *kerneltest.Source)) {
	cputest.EachBF16(t, func(t *testing.T) {
		for _, side := range guard.Sides {
			t.Run(side.String(), func(t *testing.T) { f(t, kerneltest.NewSource(t, side)) })
		}
	})
}

func TestBF16EveryTailOfTheTiles(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for m := 1; m <= 25; m++ {
			newBF16(s, m, 33, 8, variant{bias: true}, narrow{a: true, c: true}).requireCorrect(t, s)
		}
		for n := 1; n <= 70; n++ {
			newBF16(s, 5, n, 38, variant{add: true}, narrow{a: true, add: true, c: true}).requireCorrect(t, s)
		}
		for k := 1; k <= 70; k++ {
			newBF16(s, 7, 48, k, variant{bias: true, add: true}, narrow{a: true}).requireCorrect(t, s)
		}
	})
}

func TestBF16ShapesAndFormats(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for i, size := range [][3]int{{1, 1, 1}, {1, 100, 64}, {13, 33, 17}, {14, 47, 130}, {26, 64, 334}, {3, 16, 2600}, {14, 200, 64}, {400, 9, 30}} {
			for j, f := range kerneltest.Formats {
				for k, transposed := range []bool{false, true} {
					v := variant{format: f, transposed: transposed, bias: true, add: true, gapA: 3, gapC: 5}
					in := narrows[(i+2*j+k)%len(narrows)]
					t.Run(fmt.Sprint(size, f, transposed, in), func(t *testing.T) {
						newBF16(s, size[0], size[1], size[2], v, in).requireCorrect(t, s)
					})
				}
			}
		}
	})
}

func TestBF16AddMayBeC(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, k := range []int{30, 2600} {
			p := newBF16(s, 17, 41, k, variant{bias: true, add: true}, narrow{a: true, add: true, c: true})
			p.o.C16 = p.o.Add16
			p.requireCorrect(t, s)
		}
	})
}

// The packed weight has the values that the conversion of one value gives, for
// every value of the 16-bit formats but subnormal numbers.
func TestBF16EveryWeight(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, f := range []convert.Format{convert.F16, convert.BF16} {
			const n, k = 1 << 10, 64
			p := newBF16(s, k, n, k, variant{format: f}, narrow{a: true})
			stored := p.weightWords()
			for i := range stored {
				stored[i] = uint16(i)
				v := convert.F16ToF32(uint16(i))
				if f == convert.BF16 {
					v = convert.BF16ToF32(uint16(i))
				}
				if bad := v != v || math.IsInf(float64(v), 0); bad || math.Abs(float64(v)) < 0x1p-126 {
					stored[i], v = 0, 0
				}
				p.w[i] = convert.BF16ToF32(convert.F32ToBF16(v))
			}
			for i := range p.o.A16 { // row r picks column r
				p.o.A16[i] = 0
				if i/k == i%k {
					p.o.A16[i] = convert.F32ToBF16(1)
				}
			}
			for i, v := range p.run(s) {
				require.Equal(t, p.w[i%n*k+i/n], v, "%s, row %d, column %d", f, i%n, i/n)
			}
		}
	})
}

func TestBF16NaNAndInf(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, bad := range []float32{nan, inf, -inf} {
			for i, in := range narrows {
				f := kerneltest.Formats[i%len(kerneltest.Formats)]
				p := newBF16(s, 14, 35, 50, variant{format: f, bias: true, add: true}, in)
				p.setA(3, 49, bad)
				p.setA(13, 0, bad)
				p.setWeight(34, 49, bad)
				p.setWeight(7, 3, bad)
				p.setA(2, 3, 0) // 0 times an infinity
				p.Bias[34] = bad
				p.requireCorrect(t, s)
			}
		}
	})
}

func (p *bf16) setA(row, k int, v float32) {
	i := row*p.LDA + k
	p.A[i] = v
	if p.o.A16 != nil {
		p.o.A16[i] = convert.F32ToBF16(v)
	} else {
		p.o.A[i] = v
	}
}

func (p *bf16) setWeight(n, k int, v float32) {
	i := n*p.k + k
	p.w[i] = v
	switch p.W.Format {
	case convert.F16:
		p.weightWords()[i] = convert.F32ToF16(v)
	case convert.BF16:
		p.weightWords()[i] = convert.F32ToBF16(v)
	default:
		p.weightFloats()[i] = v
	}
}

// A row must not depend on M, on its place in a tile or on the unit it is in.
func TestBF16RowsDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		const m = 220
		for _, d := range []struct {
			n, k   int
			format convert.Format
		}{{90, 1400, convert.F16}, {48, 1392, convert.BF16}} {
			p := newBF16(s, m, d.n, d.k, variant{format: d.format, bias: true, add: true}, narrow{a: true, add: true, c: true})
			whole := append([]float32{}, p.run(s)...)
			for _, rows := range []int{1, 2, 3, 5, 7, 11, 12, 13, 23, 191} {
				for _, first := range []int{0, 17, m - rows} {
					part := *p
					part.m, part.o.A16, part.o.Add16, part.o.C16 = rows, p.o.A16[first*d.k:], p.o.Add16[first*d.n:], make([]uint16, rows*d.n)
					require.Equal(t, whole[first*d.n:(first+rows)*d.n], part.run(s), "%d rows from row %d", rows, first)
				}
			}
		}
	})
}

func TestBF16EpilogueSeesEveryElementOnce(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, in := range narrows {
			p := newBF16(s, 14, 90, 1300, variant{bias: true}, in)
			p.o.Epilogue = func(row []float32) {
				for i := range row {
					row[i] = 2*row[i] + 1
				}
			}
			got := p.run(s)
			for i, v := range got {
				want := p.want(i/p.n, i%p.n)
				want.Value, want.Magnitude = 2*want.Value+1, 2*want.Magnitude
				kerneltest.RequireCloseBF16(t, want, v, tolerance, "element %d", i)
			}
		}
	})
}

func TestBF16EmptyProducts(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		require.Zero(t, gemm.NewPlanBF16(0, 5, 5).Units())
		plan := gemm.NewPlanBF16(2, 3, 0)
		o := gemm.Operands{C16: make([]uint16, 6), LDC: 3, Bias: []float32{1, 2, 3}}
		for u := range plan.Units() {
			plan.Run(u, make([]byte, plan.ScratchSize()), &o)
		}
		require.Equal(t, []float32{1, 2, 3, 1, 2, 3}, kerneltest.Widened(o.C16))
	})
}

func TestBF16BadOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	for name, spoil := range map[string]func(p *bf16){
		"short A":   func(p *bf16) { p.o.A16 = p.o.A16[1:] },
		"short C":   func(p *bf16) { p.o.C16 = p.o.C16[1:] },
		"short Add": func(p *bf16) { p.o.Add16 = p.o.Add16[1:] },
		"A twice":   func(p *bf16) { p.o.A = p.A },
		"C twice":   func(p *bf16) { p.o.C = p.C },
		"Add twice": func(p *bf16) { p.o.Add = p.Add },
	} {
		t.Run(name, func(t *testing.T) {
			p := newBF16(s, 5, 6, 8, variant{add: true}, narrow{a: true, add: true, c: true})
			spoil(p)
			require.Panics(t, func() { p.run(s) })
		})
	}
	p := newBF16(s, 5, 6, 8, variant{}, narrow{a: true, c: true})
	plan := gemm.NewPlan(5, 6, 8)
	require.Panics(t, func() { plan.Run(0, s.Scratch(plan.ScratchSize()), &p.o) }, "bfloat16 in a plan for float32")
}

func TestBF16RunDoesNotAllocate(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, in := range narrows {
			p := newBF16(s, 20, 40, 1400, variant{format: convert.F16, bias: true, add: true}, in)
			plan := gemm.NewPlanBF16(p.m, p.n, p.k)
			mem := s.Scratch(plan.ScratchSize())
			require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.o) }))
		}
	})
}

func (p *bf16) weightWords() []uint16 { return unsafe.Slice((*uint16)(p.W.Data), p.n*p.k) }

func (p *bf16) weightFloats() []float32 { return unsafe.Slice((*float32)(p.W.Data), p.n*p.k) }
