package gemm_test

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

func matrixOf(v []float32, cols int) gemm.Matrix {
	return gemm.Matrix{Data: unsafe.Pointer(&v[0]), RowStride: cols, ColStride: 1}
}

// change is changes of a matrix [N,K], and the matrix that they make in float64.
type change struct {
	name string
	gemm.Changes
	value func(n, k int) float64
}

func factorOf(s *kerneltest.Source, n, k int, rows, columns bool) gemm.Factor {
	f := gemm.Factor{Scale: 0.7}
	if rows {
		f.Rows = s.Floats(n)
	}
	if columns {
		f.Columns = s.Floats(k)
	}
	return f
}

func at(f gemm.Factor, n, k int) float64 {
	v := float64(f.Scale)
	if f.Rows != nil {
		v *= float64(f.Rows[n])
	}
	if f.Columns != nil {
		v *= float64(f.Columns[k])
	}
	return v
}

// lowRank returns a product of random matrices, and its values.
func lowRank(s *kerneltest.Source, n, k, rank int) (gemm.Product, func(n, k int) float64) {
	up, down := s.Floats(n*rank), s.Floats(rank*k)
	p := gemm.Product{Up: matrixOf(up, rank), Down: matrixOf(down, k), Rank: rank}
	return p, func(i, j int) (sum float64) {
		for r := range rank {
			sum += float64(up[i*rank+r]) * float64(down[r*k+j])
		}
		return sum
	}
}

func changesOf(s *kerneltest.Source, n, k int, w []float32) (list []change) {
	base := func(i, j int) float64 { return float64(w[i*k+j]) }
	rows, columns := s.Floats(n), s.Floats(k)
	list = append(list,
		change{"rows", gemm.Changes{Rows: rows}, func(i, j int) float64 { return base(i, j) * float64(rows[i]) }},
		change{"columns", gemm.Changes{Columns: columns}, func(i, j int) float64 { return base(i, j) * (1 + float64(columns[j])) }},
		change{"both", gemm.Changes{Rows: rows, Columns: columns}, func(i, j int) float64 { return base(i, j) * float64(rows[i]+columns[j]) }})
	for i, rank := range []int{1, 4, 33, 80} {
		f := factorOf(s, n, k, i&1 != 0, i&2 != 0)
		p, v := lowRank(s, n, k, rank)
		q, u := lowRank(s, n, k, 5)
		list = append(list,
			change{fmt.Sprint("rank ", rank), gemm.Changes{LowRank: []gemm.LowRank{{Factor: f, Product: p}}},
				func(i, j int) float64 { return base(i, j) + at(f, i, j)*v(i, j) }},
			change{fmt.Sprint("hadamard ", rank), gemm.Changes{Hadamard: []gemm.Hadamard{{f, p, q}}},
				func(i, j int) float64 { return base(i, j) + at(f, i, j)*v(i, j)*u(i, j) }},
			change{fmt.Sprint("two and rows ", rank), gemm.Changes{Rows: rows, LowRank: []gemm.LowRank{{f, p}, {f, q}}},
				func(i, j int) float64 { return base(i, j)*float64(rows[i]) + at(f, i, j)*(v(i, j)+u(i, j)) }})
	}
	for _, by := range [][2]int{{1, 1}, {2, 2}, {n, 1}, {1, k / 2}} {
		if n%by[0] != 0 || k%by[1] != 0 {
			continue
		}
		f, br, bc := factorOf(s, n, k, true, true), n/by[0], k/by[1]
		a, b := s.Floats(by[0]*by[1]), s.Floats(br*bc)
		list = append(list, change{fmt.Sprint("kronecker ", by), gemm.Changes{Kronecker: []gemm.Kronecker{{f, matrixOf(a, by[1]), matrixOf(b, bc), br, bc}}},
			func(i, j int) float64 {
				return base(i, j) + at(f, i, j)*float64(a[i/br*by[1]+j/bc])*float64(b[i%br*bc+j%bc])
			}})
	}
	diff, f := s.Floats(n*k), factorOf(s, n, k, true, false)
	list = append(list, change{"dense", gemm.Changes{Dense: []gemm.Dense{{f, matrixOf(diff, k)}}},
		func(i, j int) float64 { return base(i, j) + at(f, i, j)*float64(diff[i*k+j]) }})
	for size := 1; size <= n; size++ {
		if n%size != 0 || size == 2 {
			continue
		}
		blocks := s.Floats(n * size)
		list = append(list, change{fmt.Sprint("mix ", size), gemm.Changes{Mixes: []gemm.Mix{{f, blocks, size}}},
			func(i, j int) float64 {
				sum := 0.0
				for c := range size {
					sum += float64(blocks[i*size+c]) * base(i/size*size+c, j)
				}
				return base(i, j) + at(f, i, j)*sum
			}})
	}
	return list
}

// plainWeights returns weights without scales, one in each format.
func plainWeights(s *kerneltest.Source, n, k int) (list []kerneltest.Quantised) {
	for _, f := range []convert.Format{convert.F32, convert.F16, convert.BF16} {
		stored, values := s.Weights(n*k, f)
		list = append(list, kerneltest.Quantised{Name: f.String(), Data: unsafe.Pointer(&stored[0]), Format: f, Values: values})
	}
	stored, values := s.ReadOnly(n*k, convert.F8E4M3)
	return append(list, kerneltest.Quantised{Name: "F8", Data: unsafe.Pointer(&stored[0]), Format: convert.F8E4M3, Values: values})
}

// TestChangedRows holds rows of a changed matrix to the sums in float64, in every
// format, and products to those with the matrix as it is once changed, bit by bit.
func TestChangedRows(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		sizes := [][3]int{{5, 33, 32}, {7, 72, 160}, {3, 36, 400}}
		if testing.Short() {
			sizes = sizes[:2]
		}
		for _, size := range sizes {
			m, n, k := size[0], size[1], size[2]
			for _, w := range append(s.Quantised(n, k), plainWeights(s, n, k)...) {
				plain := gemm.Matrix{Data: w.Data, Format: w.Format, RowStride: k, ColStride: 1, Scales: w.Scales}
				tolerance := 1e-4
				for _, v := range w.Values {
					tolerance = max(tolerance, 1e-4*math.Abs(float64(v)))
				}
				every := w.Format == convert.F32 || w.Format == convert.I8
				for i, c := range changesOf(s, n, k, w.Values) {
					if !every && i%5 != 0 {
						continue
					}
					name := fmt.Sprint(c.name, " ", w.Name, size)
					changed := plain
					changed.Changes = &c.Changes
					made := make([]float32, n*k)
					for i := range n {
						changed.Row(made[i*k:][:k], i, 0)
						for j := range k {
							if want := c.value(i, j); !(math.Abs(want-float64(made[i*k+j])) <= tolerance+1e-6*math.Abs(want)) {
								t.Fatalf("%s is %g at %d, %d, want %g", name, made[i*k+j], i, j, want)
							}
						}
					}
					part := make([]float32, k/3)
					changed.Row(part, n-1, k/2)
					require.Equal(t, made[(n-1)*k+k/2:][:len(part)], part, name)
					for how, run := range map[string]func(w gemm.Matrix) []float32{
						"f32":  runF32(s, newProblem(s, m, n, k, variant{bias: true})),
						"bf16": runBF16(s, newBF16(s, m, n, k, variant{bias: true}, narrow{a: true})),
						"i8":   runI8(s, newI8(s, m, n, k, variant{bias: true}, narrow{}), rowScales(changed, n, k)),
					} {
						want := append([]float32{}, run(matrixOf(made, k))...)
						require.Equal(t, want, run(changed), "%s %s", how, name)
					}
				}
			}
		}
	})
}

func TestChangesAllocateNothing(t *testing.T) {
	s := kerneltest.NewSource(t, guard.Back)
	const m, n, k = 40, 64, 320
	w := s.Floats(n * k)
	for _, c := range changesOf(s, n, k, w) {
		p := newProblem(s, m, n, k, variant{})
		p.W = matrixOf(w, k)
		p.W.Changes = &c.Changes
		plan := gemm.NewPlan(m, n, k)
		mem := s.Scratch(plan.ScratchSize())
		require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.Operands) }), c.name)
	}
}

// BenchmarkChanged multiplies as BenchmarkF32 does, with a weight that a LoRA of
// rank 32 changes.
func BenchmarkChanged(b *testing.B) {
	eachLayer(b, func(s *kerneltest.Source, m, n, k int) (kerneltest.Plan, func(int, []byte)) {
		const rank = 32
		plan, p := gemm.NewPlan(m, n, k), newProblem(s, m, n, k, variant{format: convert.F16, bias: true})
		half := func(rows, cols int) gemm.Matrix {
			stored, _ := s.Weights(rows*cols, convert.F16)
			return gemm.Matrix{Data: unsafe.Pointer(&stored[0]), Format: convert.F16, RowStride: cols, ColStride: 1}
		}
		p.W.Changes = &gemm.Changes{LowRank: []gemm.LowRank{{Factor: gemm.Factor{Scale: 1}, Product: gemm.Product{Up: half(n, rank), Down: half(rank, k), Rank: rank}}}}
		return plan, func(unit int, mem []byte) { plan.Run(unit, mem, &p.Operands) }
	})
}
