package kernels_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/bench/kernels"
	"github.com/df65613c/easel/bench/mkmodel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl/unet"
)

// TestMeasure also shows that the float64 results are those of the operations.
func TestMeasure(t *testing.T) {
	for _, s := range []census.Shape{
		census.Linear{M: 7, N: 33, K: 40},
		census.Conv{B: 2, H: 6, W: 9, CI: 5, CO: 7, KH: 3, KW: 3, Stride: 1, Pad: nn.Pad(1)},
		census.Conv{B: 2, H: 6, W: 9, CI: 5, CO: 7, KH: 3, KW: 3, Stride: 2, Pad: nn.Padding{Bottom: 1, Right: 1}},
		census.Attention{B: 2, Heads: 3, TQ: 9, TK: 5, D: 8},
		census.Attention{B: 1, Heads: 2, TQ: 9, TK: 9, D: 8, Causal: true},
	} {
		for precision, most := range map[nn.Precision]float64{nn.F32: 1e-5, nn.BF16: 0.03} {
			r, err := kernels.Measure(t.Context(), census.Entry{Shape: s, Count: 1},
				kernels.Options{Time: time.Microsecond, CPU: cpu.Options{Threads: 2, Precision: precision}})
			require.NoError(t, err)
			require.Less(t, r.Error, most, "%T %v %s", s, s, precision)
			require.Greater(t, r.GFLOPS(), 0.0)
		}
	}
}

// BenchmarkUNet is every shape of SDXL's UNet at 1024 x 1024 pixels with guidance.
func BenchmarkUNet(b *testing.B) {
	a, err := mkmodel.Architecture("sdxl-base")
	require.NoError(b, err)
	m, err := a.Networks()
	require.NoError(b, err)
	g, err := m.UNet.Graph(unet.Shape{Batch: 2, Height: 128, Width: 128, Tokens: 77})
	require.NoError(b, err)
	entries, err := census.Of(g)
	require.NoError(b, err)
	for _, e := range entries {
		for _, precision := range []nn.Precision{nn.F32, nn.BF16} {
			b.Run(fmt.Sprintf("%s/%s/%s", precision, e.Kind(), e), func(b *testing.B) {
				run, err := kernels.Prepare(b.Context(), e.Shape, kernels.Options{CPU: cpu.Options{Precision: precision}})
				require.NoError(b, err)
				defer run.Close()
				var sum time.Duration
				for b.Loop() {
					took, err := run.Do(b.Context())
					require.NoError(b, err)
					sum += took
				}
				b.ReportMetric(float64(sum.Nanoseconds())/float64(b.N), "ns/op") // of the operation alone
				b.ReportMetric(e.FLOPs()*float64(b.N)/sum.Seconds()/1e9, "GFLOP/s")
				b.ReportMetric(float64(e.Count), "count")
			})
		}
	}
}
