package gemm_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// problem is a product with all its operands, and the weight in float32.
type problem struct {
	m, n, k int
	gemm.Operands
	w []float32 // [n,k]
}

type variant struct {
	format       convert.Format
	transposed   bool
	bias, add    bool
	gapA, gapAdd int // values between rows
	gapC         int
}

func newProblem(s *kerneltest.Source, m, n, k int, v variant) *problem {
	p := &problem{m: m, n: n, k: k}
	p.LDA, p.LDC, p.LDAdd = k+v.gapA, n+v.gapC, n+v.gapAdd
	p.A = s.Floats((m-1)*p.LDA + k)
	p.C = s.NaNs((m-1)*p.LDC + n)
	if v.bias {
		p.Bias = s.Floats(n)
	}
	if v.add {
		p.Add = s.Floats((m-1)*p.LDAdd + n)
	}
	stored, values := s.Weights(n*k, v.format)
	p.W = gemm.Matrix{Data: unsafe.Pointer(unsafe.SliceData(stored)), Format: v.format, RowStride: k, ColStride: 1}
	p.w = values
	if v.transposed {
		p.W.RowStride, p.W.ColStride = 1, n
		p.w = make([]float32, n*k)
		for i := range p.w {
			p.w[i] = values[i%k*n+i/k]
		}
	}
	return p
}

func (p *problem) want(m, n int) (sum kerneltest.Sum) {
	for k := range p.k {
		sum.Add(float64(p.A[m*p.LDA+k]) * float64(p.w[n*p.k+k]))
	}
	if p.Bias != nil {
		sum.Add(float64(p.Bias[n]))
	}
	if p.Add != nil {
		sum.Add(float64(p.Add[m*p.LDAdd+n]))
	}
	return sum
}

// run does the units last to first.
func (p *problem) run(s *kerneltest.Source) {
	plan := gemm.NewPlan(p.m, p.n, p.k)
	mem := s.Scratch(plan.ScratchSize())
	for u := plan.Units() - 1; u >= 0; u-- {
		plan.Run(u, mem, &p.Operands)
	}
}

const tolerance = 1e-6

func (p *problem) requireCorrect(t *testing.T, s *kerneltest.Source) {
	t.Helper()
	want := make([]kerneltest.Sum, p.m*p.n)
	for i := range want { // before the run, as Add may be C
		want[i] = p.want(i/p.n, i%p.n)
	}
	p.run(s)
	for i, w := range want {
		kerneltest.RequireClose(t, w, p.C[i/p.n*p.LDC+i%p.n], tolerance, "row %d, column %d", i/p.n, i%p.n)
	}
	for i, v := range p.C {
		if i%p.LDC >= p.n {
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

func TestEveryTailOfTheTiles(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for m := 1; m <= 25; m++ {
			newProblem(s, m, 33, 7, variant{bias: true}).requireCorrect(t, s)
		}
		for n := 1; n <= 70; n++ {
			newProblem(s, 5, n, 19, variant{add: true}).requireCorrect(t, s)
		}
		for k := 1; k <= 36; k++ {
			newProblem(s, 7, 40, k, variant{bias: true, add: true}).requireCorrect(t, s)
		}
	})
}

func TestShapesAndFormats(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, size := range [][3]int{{1, 1, 1}, {1, 100, 64}, {13, 33, 17}, {29, 47, 129}, {26, 100, 333}, {3, 16, 1500}, {14, 200, 64}, {400, 9, 30}, {5, 48, 32}, {8, 16, 1296}} {
			for _, f := range kerneltest.Formats {
				for _, transposed := range []bool{false, true} {
					t.Run(fmt.Sprint(size, f, transposed), func(t *testing.T) {
						v := variant{format: f, transposed: transposed, bias: true, gapA: 3, gapC: 5}
						newProblem(s, size[0], size[1], size[2], v).requireCorrect(t, s)
					})
				}
			}
		}
	})
}

func TestAddMayBeC(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, k := range []int{30, 1300} {
			p := newProblem(s, 17, 41, k, variant{bias: true, add: true, gapAdd: 2})
			p.C, p.LDC = p.Add, p.LDAdd
			want := make([]kerneltest.Sum, p.m*p.n)
			for i := range want {
				want[i] = p.want(i/p.n, i%p.n)
			}
			p.run(s)
			for i, w := range want {
				kerneltest.RequireClose(t, w, p.C[i/p.n*p.LDC+i%p.n], tolerance, "k %d, element %d", k, i)
			}
		}
	})
}

func TestStridedWeight(t *testing.T) {
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		const m, n, k, gap = 5, 37, 21, 3
		p := newProblem(s, m, n, k, variant{})
		stored, values := s.Weights((n-1)*k*gap+(k-1)*gap+1, convert.F16)
		p.W = gemm.Matrix{Data: unsafe.Pointer(&stored[0]), Format: convert.F16, RowStride: k * gap, ColStride: gap}
		for i := range p.w {
			p.w[i] = values[i*gap]
		}
		p.requireCorrect(t, s)
	})
}

func TestLongSumIsAccurate(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, 6, 64, 11520, variant{})
		p.run(s)
		var fault, norm float64
		for i := range p.m * p.n {
			want := p.want(i/p.n, i%p.n).Value
			fault += math.Pow(float64(p.C[i])-want, 2)
			norm += want * want
		}
		relative := math.Sqrt(fault / norm)
		t.Logf("relative rms error %.2g", relative)
		require.Less(t, relative, 1e-6)
	})
}

// A row must not depend on M, on its place in a tile or on the unit it is in.
func TestRowsDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		const m = 220
		for _, d := range []struct {
			n, k    int
			formats []convert.Format
		}{
			{90, 700, []convert.Format{convert.F16}},
			{48, 656, kerneltest.Formats}, // of which few rows are multiplied without packing
		} {
			for _, f := range d.formats {
				p := newProblem(s, m, d.n, d.k, variant{format: f, bias: true, add: f != convert.F32})
				p.run(s)
				for _, rows := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 23, 191} {
					for _, first := range []int{0, 17, m - rows} {
						part := *p
						part.m, part.A, part.C = rows, p.A[first*d.k:], s.NaNs(rows*d.n)
						if p.Add != nil {
							part.Add = p.Add[first*d.n:]
						}
						part.run(s)
						require.Equal(t, p.C[first*d.n:(first+rows)*d.n], part.C, "%v, %d rows from row %d", f, rows, first)
					}
				}
			}
		}
	})
}

func TestLevelsWithFMAAreEqual(t *testing.T) {
	var former []float32
	cputest.EachLevel(t, func(t *testing.T) {
		if cpu.Current() == cpu.Generic {
			return // plain Go rounds the product
		}
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, 31, 77, 1500, variant{format: convert.BF16, bias: true, add: true})
		p.run(s)
		if former != nil {
			require.Equal(t, former, p.C)
		}
		former = append([]float32{}, p.C...)
	})
}

func TestNaNAndInf(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachSide(t, func(t *testing.T, s *kerneltest.Source) {
		for _, bad := range []float32{nan, inf, -inf} {
			p := newProblem(s, 14, 35, 50, variant{bias: true, add: true})
			p.A[3*p.LDA+49], p.A[13*p.LDA] = bad, bad
			p.Bias[34] = bad
			p.Add[5*p.LDAdd+7] = bad
			p.requireCorrect(t, s)

			p = newProblem(s, 14, 35, 50, variant{})
			weight := unsafe.Slice((*float32)(p.W.Data), 35*50)
			weight[34*50+49], weight[7*50+3] = bad, bad
			p.w[34*50+49], p.w[7*50+3] = bad, bad
			p.A[2*p.LDA+3] = 0 // 0 times an infinity
			p.requireCorrect(t, s)
		}
	})
}

func TestEpilogueSeesEveryElementOnce(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, 30, 200, 1300, variant{bias: true})
		p.run(s)
		plain := append([]float32{}, p.C...)
		p.Epilogue = func(row []float32) {
			for i := range row {
				row[i] = 2*row[i] + 1
			}
		}
		p.run(s)
		for i, v := range plain {
			require.Equal(t, 2*v+1, p.C[i])
		}
	})
}

func TestEmptyProducts(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		require.Zero(t, gemm.NewPlan(0, 5, 5).Units())
		require.Zero(t, gemm.NewPlan(5, 0, 5).Units())
		plan := gemm.NewPlan(2, 3, 0)
		o := gemm.Operands{C: make([]float32, 6), LDC: 3, Bias: []float32{1, 2, 3}}
		for u := range plan.Units() {
			plan.Run(u, make([]byte, plan.ScratchSize()), &o)
		}
		require.Equal(t, []float32{1, 2, 3, 1, 2, 3}, o.C)
	})
}

func TestShortOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	for name, shorten := range map[string]func(p *problem){
		"A":       func(p *problem) { p.A = p.A[1:] },
		"C":       func(p *problem) { p.C = p.C[1:] },
		"Add":     func(p *problem) { p.Add = p.Add[1:] },
		"Bias":    func(p *problem) { p.Bias = p.Bias[1:] },
		"stride":  func(p *problem) { p.LDC = p.n - 1 },
		"weight":  func(p *problem) { p.W.Data = nil },
		"scratch": func(p *problem) {},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProblem(s, 5, 6, 7, variant{bias: true, add: true})
			shorten(p)
			plan := gemm.NewPlan(p.m, p.n, p.k)
			mem := make([]byte, plan.ScratchSize())
			if name == "scratch" {
				mem = mem[:len(mem)/2]
			}
			require.Panics(t, func() { plan.Run(0, mem, &p.Operands) })
		})
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, 20, 40, 700, variant{format: convert.F16, bias: true, add: true})
		plan := gemm.NewPlan(p.m, p.n, p.k)
		mem := s.Scratch(plan.ScratchSize())
		require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.Operands) }))
	})
}

// TestCollectorBesideFewRows: no pointer leaves its operand, which the collector would take for one to something else.
func TestCollectorBesideFewRows(t *testing.T) {
	const m, n, k = 2, 64, 64
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-done:
				return
			default:
				runtime.GC()
			}
		}
	}()
	plan := gemm.NewPlan(m, n, k)
	mem := make([]byte, plan.ScratchSize())
	w := make([]float32, n*k)
	for range 20_000 {
		o := gemm.Operands{A: make([]float32, m*k), LDA: k, Bias: make([]float32, n), C: make([]float32, m*n), LDC: n}
		o.W = gemm.Matrix{Data: unsafe.Pointer(&w[0]), RowStride: k, ColStride: 1}
		for u := range plan.Units() {
			plan.Run(u, mem, &o)
		}
	}
}
