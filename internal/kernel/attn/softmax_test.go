package attn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu/cputest"
	"github.com/df65613c/easel/internal/guard"
)

// newTile returns a tile of one row of scores with nothing before it, each
// vector against a guard page.
func newTile(t *testing.T, n int, side guard.Side) (tile scoreTile, scores, greatest, sum []float32) {
	scores, greatest, sum = guard.Floats(t, roundUp(n, line), side), guard.Floats(t, 1, side), guard.Floats(t, lanes, side)
	greatest[0] = -math.MaxFloat32
	return scoreTile{
		Scores: &scores[0], Stride: bytes(len(scores)), Rows: 1, N: uintptr(n), Max: &greatest[0], Sum: &sum[0],
		Out: &guard.Floats(t, line, side)[0], OutStride: bytes(line), OutN: line, Scale: 1,
	}, scores, greatest, sum
}

func total(sum []float32) (t float64) {
	for _, v := range sum {
		t += float64(v)
	}
	return t
}

func TestWeightsAreAccurate(t *testing.T) {
	const least = -125.9 // below it weights may be 0
	cputest.EachLevel(t, func(t *testing.T) {
		tile, scores, greatest, sum := newTile(t, 1<<16, guard.Back)
		for i := range scores {
			scores[i] = least * float32(i) / float32(len(scores)-1)
		}
		in := append([]float32(nil), scores...)
		currentSoftmax(false).weigh(tile)
		require.Zero(t, greatest[0])
		var worst, all float64
		for i, got := range scores {
			want := math.Exp2(float64(in[i]))
			all += want
			worst = max(worst, math.Abs(float64(got)-want)/want)
		}
		t.Logf("relative error %.2g", worst)
		require.Less(t, worst, 1.7e-7)
		require.InEpsilon(t, all, total(sum), 5e-6)
	})
}

func TestWeightsOutsideOfTheRange(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	cputest.EachLevel(t, func(t *testing.T) {
		s := currentSoftmax(false)
		for _, side := range guard.Sides {
			tile, x, _, sum := newTile(t, 37, side)
			x[0], x[1], x[lanes-1], x[lanes] = -inf, -151, -1e30, -math.MaxFloat32
			s.weigh(tile)
			require.InEpsilon(t, 33, total(sum), 2e-7)
			for i, v := range x[:37] {
				if i <= 1 || i == lanes-1 || i == lanes {
					require.Zero(t, v)
				} else {
					require.InEpsilon(t, 1, v, 2e-7)
				}
			}
			x[17] = nan
			s.weigh(tile)
			require.True(t, math.IsNaN(total(sum)))
			require.False(t, math.IsNaN(float64(x[16])))
		}
	})
}

// The greatest score is found at every place, and earlier sums shrink by it.
func TestMaxGrows(t *testing.T) {
	cputest.EachLevel(t, func(t *testing.T) {
		s := currentSoftmax(false)
		for _, side := range guard.Sides {
			for n := 1; n <= 70; n++ {
				tile, x, greatest, sum := newTile(t, n, side)
				tile.Scale = 0.5
				for at := range n {
					for i := range x {
						x[i] = 100 // after the n-th: ignored
					}
					for i := range n {
						x[i] = -6
					}
					x[at] = 6
					greatest[0] = 1
					clear(sum)
					sum[3] = 8
					*tile.Out = 8
					s.weigh(tile)
					require.EqualValues(t, 3, greatest[0])
					require.InEpsilon(t, 2+1+float64(n-1)/64, total(sum), 1e-6)
					require.InEpsilon(t, 2, *tile.Out, 1e-6)
				}
			}
		}
	})
}
