package attn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
)

func TestExpIsAccurate(t *testing.T) {
	const least = -87.3 // below it results may be 0
	cputest.EachLevel(t, func(t *testing.T) {
		s := currentSoftmax()
		x, in := make([]float32, 1<<16), make([]float32, 1<<16)
		for i := range x {
			in[i] = least * float32(i) / float32(len(x)-1)
		}
		copy(x, in)
		sum := s.exp(x, 0, 1)
		var worst, total float64
		for i, got := range x {
			want := math.Exp(float64(in[i]))
			total += want
			worst = max(worst, math.Abs(float64(got)-want)/want)
		}
		t.Logf("relative error %.2g", worst)
		require.Less(t, worst, 1.3e-7)
		require.InEpsilon(t, total, sum, 5e-6)
		require.EqualValues(t, 1, x[0])
	})
}

func TestExpOutsideOfItsRange(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	cputest.EachLevel(t, func(t *testing.T) {
		s := currentSoftmax()
		for _, side := range guard.Sides {
			x := guard.Floats(t, 2*lanes, side)
			x[0], x[1], x[lanes-1], x[lanes] = -inf, -104.5, -1e30, -math.MaxFloat32
			require.EqualValues(t, 28, s.exp(x, 0, 1))
			for i, v := range x {
				if i <= 1 || i == lanes-1 || i == lanes {
					require.Zero(t, v)
				} else {
					require.EqualValues(t, 1, v)
				}
			}
			x[17] = nan
			require.True(t, math.IsNaN(float64(s.exp(x, 0, 1))))
			require.True(t, math.IsNaN(float64(x[17])))
			require.False(t, math.IsNaN(float64(x[16])))
		}
	})
}

func TestExpShiftsAndScales(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		x := make([]float32, lanes)
		for i := range x {
			x[i] = float32(i)
		}
		currentSoftmax().exp(x, 15, 0.5)
		for i, v := range x {
			require.InEpsilon(t, math.Exp(float64(i-15)/2), v, 2e-7)
		}
	})
}

func TestMaxFindsEveryPlace(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := currentSoftmax()
		for _, side := range guard.Sides {
			for n := lanes; n <= 4*lanes; n += lanes {
				x := guard.Floats(t, n, side)
				for i := range x {
					x[i] = -5
				}
				require.EqualValues(t, -5, s.max(x))
				for i := range x {
					x[i] = 3
					require.EqualValues(t, 3, s.max(x))
					x[i] = float32(math.Inf(-1))
					require.EqualValues(t, -5, s.max(x))
					x[i] = -5
				}
			}
		}
	})
}
