package peak

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
)

// TestLoopsDoTheirWork counts the products of ones: no loop claims more than it does.
func TestLoopsDoTheirWork(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		for _, l := range Loops() {
			const n = 3
			out := l.Run(n)
			for lane, bits := range out {
				want := float64(n * l.Adds)
				if lane >= l.Lanes {
					want = 0
				}
				got := float64(math.Float32frombits(bits))
				if l.DType == "I8" {
					got = float64(int32(bits))
				}
				require.Equal(t, want, got, "%s %s: lane %d", l.Set, l.DType, lane)
			}
		}
	})
}

func BenchmarkLoops(b *testing.B) {
	for _, l := range Loops() {
		b.Run(l.Set+"/"+l.DType, func(b *testing.B) {
			const n = 1000
			for b.Loop() {
				l.Run(n)
			}
			b.ReportMetric(l.Ops()*n*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gop/s")
		})
	}
}
