package kernels_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/bench/kernels"
	"github.com/df65613c/easel/bench/mkmodel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
)

// TestMeasure also shows that the float64 results are those of the operations.
func TestMeasure(t *testing.T) {
	backend := cpu.New(cpu.Options{Threads: 2})
	defer backend.Close()
	for _, s := range []census.Shape{
		census.Linear{M: 7, N: 33, K: 40},
		census.Conv{B: 2, H: 6, W: 9, CI: 5, CO: 7, KH: 3, KW: 3, Stride: 1, Pad: nn.Pad(1)},
		census.Conv{B: 2, H: 6, W: 9, CI: 5, CO: 7, KH: 3, KW: 3, Stride: 2, Pad: nn.Padding{Bottom: 1, Right: 1}},
		census.Attention{B: 2, Heads: 3, TQ: 9, TK: 5, D: 8},
		census.Attention{B: 1, Heads: 2, TQ: 9, TK: 9, D: 8, Causal: true},
	} {
		r, err := kernels.Measure(t.Context(), backend, census.Entry{Shape: s, Count: 1}, kernels.Options{Time: time.Microsecond})
		require.NoError(t, err)
		require.Less(t, r.Error, 1e-5, "%T %v", s, s)
		require.Greater(t, r.GFLOPS(), 0.0)
	}
}

// BenchmarkUNet is every shape of SDXL's UNet at 1024 x 1024 pixels with guidance.
func BenchmarkUNet(b *testing.B) {
	a, err := mkmodel.Architecture("sdxl-base")
	require.NoError(b, err)
	m, err := a.Networks()
	require.NoError(b, err)
	g, err := m.UNet.Graph(2, 128, 128, 77)
	require.NoError(b, err)
	entries, err := census.Of(g)
	require.NoError(b, err)
	backend := cpu.New(cpu.Options{})
	defer backend.Close()
	for _, e := range entries {
		b.Run(e.Kind()+"/"+e.String(), func(b *testing.B) {
			run, err := kernels.Prepare(b.Context(), backend, e.Shape, kernels.Options{})
			require.NoError(b, err)
			defer run.Close()
			for b.Loop() {
				require.NoError(b, run.Do(b.Context()))
			}
			b.ReportMetric(e.FLOPs()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(float64(e.Count), "count")
		})
	}
}
