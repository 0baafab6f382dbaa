package exact

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
)

var (
	gaussian = Gaussian{Mean: []float64{-1, 0.5, 2}, Deviation: []float64{0.3, 1, 0.7}}
	mixture  = Mixture{
		{Weight: 2, Mean: []float64{-1, 0.5, 1}, Deviation: 0.6},
		{Weight: 1, Mean: []float64{1, 0, -0.5}, Deviation: 0.8},
	}
	start = []float64{4, -9, 6}
)

// The probability-flow ODE keeps every quantile of a distribution on the line.
func TestMixtureSolutionKeepsQuantiles(t *testing.T) {
	line := Mixture{{1, []float64{-1}, 0.5}, {3, []float64{2}, 0.3}}
	quantile := func(x, sigma float64) float64 {
		sum := 0.0
		for _, c := range line {
			sum += c.Weight / 4 * math.Erfc((c.Mean[0]-x)/(math.Sqrt2*math.Hypot(c.Deviation, sigma))) / 2
		}
		return sum
	}
	for _, x := range []float64{-12, -3, 0.2, 5, 11} {
		at := []float64{x}
		require.NoError(t, line.Solve(at, 10, 0.1))
		require.InDelta(t, quantile(x, 10), quantile(at[0], 0.1), 1e-10)
	}
}

// A mixture of one part is a normal distribution, whose solution is known.
func TestMixtureOfOnePartIsGaussian(t *testing.T) {
	one, g := Mixture{{5, []float64{1, -2}, 0.4}}, Gaussian{[]float64{1, -2}, []float64{0.4, 0.4}}
	a, b := []float64{7, -3}, []float64{7, -3}
	require.NoError(t, one.Solve(a, 9, 0.05))
	require.NoError(t, g.Solve(b, 9, 0.05))
	require.InDeltaSlice(t, b, a, 1e-10)
}

// One step of euler_a by hand: its mean and deviation.
func TestWeakErrorOfOneStep(t *testing.T) {
	ancestral, err := sched.SamplerNamed("euler_a")
	require.NoError(t, err)
	const from, to, mean, c = 2.0, 0.5, -1.5, 0.8
	points, err := ConvergeWeak(context.Background(), ancestral, Gaussian{[]float64{mean}, []float64{c}}, from, to, 1)
	require.NoError(t, err)
	up := to * math.Sqrt(from*from-to*to) / from
	down := math.Sqrt(to*to - up*up)
	share := from * from / (c*c + from*from) // of the mean in the estimate of x0
	slope := 1 + share*(down/from-1)         // of the result in x
	width := math.Hypot(slope*math.Hypot(c, from), up) - math.Hypot(c, to)
	require.InDelta(t, math.Abs(width)/math.Sqrt2, points[0].Error, 1e-12)
	require.Equal(t, 1, points[0].Calls)
	_, err = ConvergeWeak(context.Background(), ancestral, gaussian, from, to, 0)
	require.ErrorContains(t, err, "0 steps, want 1 or more")
}

// Increments of the motion are not the integrals that the noise of a step is, so that
// no sampler of one draw a step is of a higher strong order than the first.
func TestStrongOrders(t *testing.T) {
	for _, name := range []string{"euler_a", "dpm_2_a", "dpmpp_2s_a", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"} {
		s, err := sched.SamplerNamed(name)
		require.NoError(t, err)
		points, err := ConvergeStrong(context.Background(), s, gaussian, 2, 0.1, 1024, 16, 32, 64)
		require.NoError(t, err)
		require.InDelta(t, 1, Order(points), 0.15, name)
	}
	sde, err := sched.SamplerNamed("dpmpp_sde")
	require.NoError(t, err)
	_, err = ConvergeStrong(context.Background(), sde, gaussian, 2, 0.1, 8, 4)
	require.ErrorContains(t, err, "dpmpp_sde draws noise 8 times in 4 steps: want one draw")
	_, err = ConvergeStrong(context.Background(), sde, gaussian, 2, 0.1, 8, 3)
	require.ErrorContains(t, err, "3 steps, want a divisor of the finest, 8")
}

func TestFaults(t *testing.T) {
	x := []float64{1}
	require.ErrorContains(t, gaussian.Solve(x, 1, 0), "x has 1 numbers, and the distribution 3 means")
	require.ErrorContains(t, mixture.Solve(x, 1, 0.1), "component 0 a mean of 3")
	require.ErrorContains(t, mixture.Solve(start, 1, 0), "want numbers above 0")
	euler, err := sched.SamplerNamed("euler")
	require.NoError(t, err)
	_, err = Converge(context.Background(), euler, gaussian, start, 10, 0.1, 0)
	require.ErrorContains(t, err, "0 steps, want 1 or more")
	ancestral, err := sched.SamplerNamed("euler_a")
	require.NoError(t, err)
	_, err = Converge(context.Background(), ancestral, gaussian, start, 10, 0.1, 4)
	require.ErrorContains(t, err, "euler_a in 4 steps: sched: Noise is nil")
}
