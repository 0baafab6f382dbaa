package gorgonia_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	gorgonia "gorgonia.org/tensor"

	"github.com/df65613c/easel/tensor"
)

// BenchmarkMatMul multiplies as this package, gonum and gorgonia.org/tensor do,
// on as many threads as GOMAXPROCS says when the program starts. The operands
// are filled with data, as some code skips zeros. The names are M x N x K.
func BenchmarkMatMul(b *testing.B) {
	for _, size := range [][3]int{
		{256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048}, {4096, 4096, 4096},
		{2048, 1280, 1280}, {2048, 10240, 1280}, {2048, 1280, 5120}, {8192, 640, 640}, {8192, 5120, 640}, {8192, 640, 2560}, {154, 1280, 2048},
	} {
		m, n, k := size[0], size[1], size[2]
		x, y := random(m*k), random(k*n)
		ours := func() []float32 {
			a, err := tensor.FromSlice(x, m, k)
			require.NoError(b, err)
			w, err := tensor.FromSlice(y, k, n)
			require.NoError(b, err)
			c, err := tensor.MatMul(a, w)
			require.NoError(b, err)
			return c.Float32s()
		}
		var want []float32
		for _, lib := range []struct {
			name string
			mul  func() []float32
		}{
			{"easel", ours},
			{"gonum", func() []float32 {
				c := make([]float32, m*n)
				blas32.Gemm(blas.NoTrans, blas.NoTrans, 1,
					blas32.General{Rows: m, Cols: k, Stride: k, Data: x}, blas32.General{Rows: k, Cols: n, Stride: n, Data: y},
					0, blas32.General{Rows: m, Cols: n, Stride: n, Data: c})
				return c
			}},
			{"gorgonia", func() []float32 {
				c, err := gorgonia.MatMul(
					gorgonia.New(gorgonia.WithShape(m, k), gorgonia.WithBacking(x)), gorgonia.New(gorgonia.WithShape(k, n), gorgonia.WithBacking(y)))
				require.NoError(b, err)
				return c.Data().([]float32)
			}},
		} {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", m, n, k, lib.name), func(b *testing.B) {
				var c []float32
				touch(m * n)
				for b.Loop() {
					c = lib.mul()
				}
				b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				if want == nil {
					want = c
				}
				for i := 0; i < len(c); i += len(c)/64 + 1 {
					require.InDelta(b, want[i], c[i], 1e-2, "all compute the same")
				}
			})
		}
	}
}

// touch lets the heap have room for a few results, so that no library is measured
// while the system finds memory for the first ones.
func touch(n int) {
	var kept [4][]float32
	for i := range kept {
		kept[i] = make([]float32, n)
		for j := range kept[i] {
			kept[i][j] = 1
		}
	}
	runtime.KeepAlive(kept)
	runtime.GC()
}

func random(n int) []float32 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}
