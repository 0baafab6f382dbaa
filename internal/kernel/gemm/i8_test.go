package gemm_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// i8 is a product of 8-bit integers. The operands of the problem in it have the
// values that the integers stand for.
type i8 struct {
	problem
	o gemm.OperandsI8
}

func newI8(s *kerneltest.Source, m, n, k int, v variant, in narrow) *i8 {
	p := &i8{problem: *newProblem(s, m, n, k, v)}
	stride := gemm.RowI8(k) + 4*v.gapA
	p.o = gemm.OperandsI8{
		A: guard.Bytes(s.TB, (m-1)*stride+gemm.RowI8(k), s.Side), LDA: stride, AScale: make([]float32, m),
		W: p.W, WScale: rowScales(p.W, n, k), Bias: p.Bias, Add: p.Add, LDAdd: p.LDAdd, C: p.C, LDC: p.LDC,
	}
	for r := range m {
		row := p.A[r*p.LDA:][:k]
		p.o.AScale[r] = gemm.QuantiseRow(p.o.A[r*stride:], row)
		for i := range row {
			row[i] = float32(int(p.o.A[r*stride+i])-128) * p.o.AScale[r]
		}
	}
	for i, v := range p.w {
		if scale := p.o.WScale[i/k]; scale > 0 {
			p.w[i] = float32(math.RoundToEven(float64(v*(1/scale)))) * scale
		}
	}
	if in.add && p.Add != nil {
		p.o.Add, p.o.Add16 = nil, s.BF16(p.Add)
		p.Add = kerneltest.Rounded(p.Add)
	}
	if in.c {
		p.o.C, p.o.C16 = nil, s.BF16(p.C)
	}
	return p
}

// rowScales returns the scales of all rows of a weight: its own, or made in two parts.
func rowScales(w gemm.Matrix, n, k int) []float32 {
	if own := w.OwnScales(); own != nil {
		return own[:n]
	}
	scales := make([]float32, n)
	gemm.ScaleRows(scales[:n/2], w, 0, k)
	gemm.ScaleRows(scales[n/2:], w, n/2, k)
	return scales
}

func (p *i8) run(s *kerneltest.Source) []float32 {
	plan := gemm.NewPlanI8(p.m, p.n, p.k)
	mem := s.Scratch(plan.ScratchSize())
	for u := plan.Units() - 1; u >= 0; u-- {
		plan.Run(u, mem, &p.o)
	}
	if p.o.C16 != nil {
		return kerneltest.Widened(p.o.C16)
	}
	return p.o.C
}

func (p *i8) requireCorrect(t *testing.T, s *kerneltest.Source) {
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

func TestI8EveryTailOfTheTiles(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for m := 1; m <= 25; m++ {
			newI8(s, m, 33, 8, variant{bias: true}, narrow{}).requireCorrect(t, s)
		}
		for n := 1; n <= 70; n++ {
			newI8(s, 5, n, 38, variant{add: true}, narrow{add: true, c: true}).requireCorrect(t, s)
		}
		for k := 1; k <= 70; k++ {
			newI8(s, 7, 48, k, variant{bias: true, add: true}, narrow{}).requireCorrect(t, s)
		}
	})
}

func TestI8ShapesAndFormats(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for i, size := range [][3]int{{1, 1, 1}, {13, 33, 17}, {14, 47, 130}, {26, 64, 334}, {3, 16, 2600}, {2, 40, 5200}, {400, 9, 30}} {
			for j, f := range kerneltest.Formats {
				for k, transposed := range []bool{false, true} {
					v := variant{format: f, transposed: transposed, bias: true, add: true, gapA: 1, gapC: 5}
					in := narrows[(i+2*j+k)%len(narrows)]
					t.Run(fmt.Sprint(size, f, transposed, in), func(t *testing.T) {
						newI8(s, size[0], size[1], size[2], v, in).requireCorrect(t, s)
					})
				}
			}
		}
	})
}

func TestQuantiseRow(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for n := 0; n <= 70; n++ {
			src, dst := s.Floats(n), guard.Bytes(t, gemm.RowI8(n), s.Side)
			scale := gemm.QuantiseRow(dst, src)
			most := float32(0)
			for _, v := range src {
				most = max(most, float32(math.Abs(float64(v))))
			}
			require.Equal(t, most/127, scale)
			for i, q := range dst {
				if i >= n {
					require.EqualValues(t, 128, q)
					continue
				}
				require.InDelta(t, src[i]/scale, float64(q)-128, 0.5001, "%d of %d", i, n)
			}
		}
		for _, bad := range []float32{nan, inf, -inf} {
			for _, at := range []int{0, 20, 36} {
				src := s.Floats(37)
				src[at] = bad
				require.True(t, math.IsNaN(float64(gemm.QuantiseRow(make([]byte, 40), src))))
			}
		}
		dst := make([]byte, 20)
		require.Zero(t, gemm.QuantiseRow(dst, make([]float32, 20)))
		require.Equal(t, make128(20), dst)
	})
}

func make128(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 128
	}
	return b
}

func TestI8NaNAndInf(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			p := newI8(s, 14, 35, 50, variant{bias: true}, narrow{})
			row := append([]float32{}, p.A[3*p.LDA:][:50]...)
			row[49] = bad
			p.o.AScale[3] = gemm.QuantiseRow(p.o.A[3*p.o.LDA:], row)
			p.weightFloats()[7*50+3] = bad
			p.o.WScale = rowScales(p.W, 35, 50)
			for i, v := range p.run(s) {
				require.Equal(t, i/35 == 3 || i%35 == 7, math.IsNaN(float64(v)), "row %d, column %d", i/35, i%35)
			}
		}
	})
}

func (p *i8) weightFloats() []float32 { return (&bf16{problem: p.problem}).weightFloats() }

// A row must not depend on M, on its place in a tile or on the unit it is in.
func TestI8RowsDoNotDependOnTheBatch(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		const m, n, k = 600, 90, 2700
		p := newI8(s, m, n, k, variant{format: convert.F16, bias: true}, narrow{})
		whole := append([]float32{}, p.run(s)...)
		for _, rows := range []int{1, 5, 12, 13, 391} {
			for _, first := range []int{0, 17, m - rows} {
				part := *p
				part.m, part.o.A, part.o.AScale, part.o.C = rows, p.o.A[first*p.o.LDA:], p.o.AScale[first:], s.NaNs(rows*n)
				require.Equal(t, whole[first*n:(first+rows)*n], part.run(s), "%d rows from row %d", rows, first)
			}
		}
	})
}

// What quantisation costs on values from normal distributions.
func TestI8IsNearF32(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newProblem(s, 24, 64, 1280, variant{})
		exact := append([]float32{}, p.A...)
		p.run(s)
		want := append([]float32{}, p.C...)
		q := newI8(kerneltest.NewSource(t, guard.Back), 24, 64, 1280, variant{}, narrow{})
		require.NotEqual(t, exact, q.A)
		var fault, norm float64
		for i, v := range q.run(s) {
			fault += math.Pow(float64(v-want[i]), 2)
			norm += math.Pow(float64(want[i]), 2)
		}
		relative := math.Sqrt(fault / norm)
		t.Logf("relative rms error %.2g", relative)
		require.Less(t, relative, 0.02)
	})
}

func TestI8BadOperandsPanic(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	for name, spoil := range map[string]func(p *i8){
		"short A":      func(p *i8) { p.o.A = p.o.A[1:] },
		"short AScale": func(p *i8) { p.o.AScale = p.o.AScale[1:] },
		"short WScale": func(p *i8) { p.o.WScale = p.o.WScale[1:] },
		"short C":      func(p *i8) { p.o.C = p.o.C[1:] },
		"C twice":      func(p *i8) { p.o.C16 = make([]uint16, 30) },
		"weight":       func(p *i8) { p.o.W.Data = nil },
	} {
		t.Run(name, func(t *testing.T) {
			p := newI8(s, 5, 6, 8, variant{}, narrow{})
			spoil(p)
			require.Panics(t, func() { p.run(s) })
		})
	}
	require.Panics(t, func() { gemm.NewPlanI8(1, 1, 1<<17) })
}

func TestI8RunDoesNotAllocate(t *testing.T) {
	cputest.EachBF16(t, func(t *testing.T) {
		s := kerneltest.NewSource(t, guard.Back)
		p := newI8(s, 20, 40, 2700, variant{format: convert.F16, bias: true, add: true}, narrow{})
		plan := gemm.NewPlanI8(p.m, p.n, p.k)
		mem := s.Scratch(plan.ScratchSize())
		require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.o) }))
	})
}
