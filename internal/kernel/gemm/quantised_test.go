package gemm_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/kerneltest"
)

// sizesQuantised have tails of rows, columns and blocks of k.
var sizesQuantised = [][3]int{{5, 33, 32}, {7, 70, 96}, {14, 31, 1312}, {3, 48, 2720}, {9, 40, 50}, {4, 36, 332}}

// TestQuantisedWeights holds products with quantised weights to those with the
// same values in float32, bit by bit.
func TestQuantisedWeights(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, size := range sizesQuantised {
			m, n, k := size[0], size[1], size[2]
			for _, w := range s.Quantised(n, k) {
				quantised := gemm.Matrix{Data: w.Data, Format: w.Format, RowStride: k, ColStride: 1, Scales: w.Scales}
				plain := gemm.Matrix{Data: unsafe.Pointer(&w.Values[0]), RowStride: k, ColStride: 1}
				for name, run := range map[string]func(w gemm.Matrix) []float32{
					"f32":  runF32(s, newProblem(s, m, n, k, variant{bias: true})),
					"bf16": runBF16(s, newBF16(s, m, n, k, variant{bias: true}, narrow{a: true})),
					"i8":   runI8(s, newI8(s, m, n, k, variant{bias: true}, narrow{}), rowScales(quantised, n, k)),
				} {
					want := append([]float32{}, run(plain)...)
					require.Equal(t, want, run(quantised), fmt.Sprint(name, " ", w.Name, size))
				}
			}
		}
	})
}

func runF32(s *kerneltest.Source, p *problem) func(gemm.Matrix) []float32 {
	return func(w gemm.Matrix) []float32 {
		p.W = w
		p.run(s)
		return p.C
	}
}

func runBF16(s *kerneltest.Source, p *bf16) func(gemm.Matrix) []float32 {
	return func(w gemm.Matrix) []float32 {
		p.o.W = w
		return p.run(s)
	}
}

func runI8(s *kerneltest.Source, p *i8, scales []float32) func(gemm.Matrix) []float32 {
	return func(w gemm.Matrix) []float32 {
		p.o.W, p.o.WScale = w, scales
		return p.run(s)
	}
}

func TestRowScalesOfQuantisedWeights(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		const n, k = 5, 96
		for _, w := range s.Quantised(n, k) {
			m := gemm.Matrix{Data: w.Data, Format: w.Format, RowStride: k, ColStride: 1, Scales: w.Scales}
			scales := rowScales(m, n, k)
			if w.Scales.Rows != nil {
				require.Equal(t, w.Scales.Rows, scales)
				continue
			}
			require.Equal(t, rowScales(gemm.Matrix{Data: unsafe.Pointer(&w.Values[0]), RowStride: k, ColStride: 1}, n, k), scales)
		}
	})
}

func TestQuantisedWeightsDoNotAllocate(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		const m, n, k = 20, 40, 2720
		for _, w := range s.Quantised(n, k) {
			p := newBF16(s, m, n, k, variant{format: convert.F16}, narrow{a: true})
			p.o.W = gemm.Matrix{Data: w.Data, Format: w.Format, RowStride: k, ColStride: 1, Scales: w.Scales}
			plan := gemm.NewPlanBF16(m, n, k)
			mem := s.Scratch(plan.ScratchSize())
			require.Zero(t, testing.AllocsPerRun(3, func() { plan.Run(0, mem, &p.o) }), w.Name)
		}
	})
}

// TestWideAndNarrowFloats holds products with weights in formats that no kernel
// packs to those with the same values in float32, bit by bit: as rows, and transposed.
func TestWideAndNarrowFloats(t *testing.T) {
	eachSideBF16(t, func(t *testing.T, s *kerneltest.Source) {
		for _, size := range sizesQuantised {
			m, n, k := size[0], size[1], size[2]
			for _, f := range []convert.Format{convert.F64, convert.F8E4M3, convert.F8E5M2} {
				stored, values := s.ReadOnly(n*k, f)
				for _, strides := range [][2]int{{k, 1}, {1, n}} {
					w := gemm.Matrix{Data: unsafe.Pointer(&stored[0]), Format: f, RowStride: strides[0], ColStride: strides[1]}
					plain := gemm.Matrix{Data: unsafe.Pointer(&values[0]), RowStride: strides[0], ColStride: strides[1]}
					for name, run := range map[string]func(w gemm.Matrix) []float32{
						"f32":  runF32(s, newProblem(s, m, n, k, variant{bias: true})),
						"bf16": runBF16(s, newBF16(s, m, n, k, variant{bias: true}, narrow{a: true})),
						"i8":   runI8(s, newI8(s, m, n, k, variant{bias: true}, narrow{}), rowScales(w, n, k)),
					} {
						want := append([]float32{}, run(plain)...)
						require.Equal(t, want, run(w), fmt.Sprint(name, " ", f, size, strides))
					}
				}
			}
		}
	})
}
