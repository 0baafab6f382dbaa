package exact

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/sched"
)

// ConvergeWeak runs a sampler that adds noise from the distribution of x at one
// noise level to another, and gives the error of the distribution it ends with: the
// root mean square of the errors of means and of deviations.
//
// There is no chance in it. On a normal distribution a step is an affine function
// of x and of the noise it draws, so the mean and the deviation of the result
// follow from what a unit of the start and of each draw adds to it.
func ConvergeWeak(ctx context.Context, s sched.Sampler, g Gaussian, from, to float64, steps ...int) ([]Point, error) {
	points := make([]Point, len(steps))
	for k, n := range steps {
		sigmas, err := logSteps(from, to, n)
		if err != nil {
			return nil, err
		}
		p, err := g.weak(ctx, s, sigmas)
		if err != nil {
			return nil, fmt.Errorf("exact: %s in %d steps: %w", s.Name, n, err)
		}
		points[k] = p
	}
	return points, nil
}

func (g Gaussian) weak(ctx context.Context, s sched.Sampler, sigmas []float64) (Point, error) {
	calls, draws := 0, &impulse{at: -1}
	run := func(first float64, at int) ([]float64, error) {
		x := make([]float64, len(g.Mean))
		for i := range x {
			x[i] = first
		}
		calls, *draws = 0, impulse{at: at}
		err := s.F64(ctx, &sched.Run[float64]{X: x, Sigmas: sigmas, Noise: draws,
			Denoise: func(ctx context.Context, denoised, x []float64, sigma float64) error {
				calls++
				return g.Denoise(ctx, denoised, x, sigma)
			}})
		return x, err
	}
	rest, err := run(0, -1)
	if err != nil {
		return Point{}, err
	}
	count := draws.drawn
	unit, err := run(1, -1)
	if err != nil {
		return Point{}, err
	}
	from, to := sigmas[0], sigmas[len(sigmas)-1]
	variance := make([]float64, len(rest))
	for i, c := range g.Deviation {
		a := unit[i] - rest[i]
		variance[i] = a * a * (c*c + from*from)
	}
	for at := range count {
		y, err := run(0, at)
		if err != nil {
			return Point{}, err
		}
		for i, v := range y {
			variance[i] += (v - rest[i]) * (v - rest[i])
		}
	}
	sum := 0.0
	for i, mean := range g.Mean {
		shift := rest[i] + (unit[i]-rest[i])*mean - mean
		width := math.Sqrt(variance[i]) - math.Hypot(g.Deviation[i], to)
		sum += shift*shift + width*width
	}
	return Point{len(sigmas) - 1, calls, math.Sqrt(sum / float64(2*len(rest)))}, nil
}

// impulse is noise of zeros but for one draw of ones.
type impulse struct{ at, drawn int }

func (n *impulse) Normal(dst []float32) {
	for i := range dst {
		dst[i] = 0
		if n.drawn == n.at {
			dst[i] = 1
		}
	}
	n.drawn++
}

// logSteps returns noise levels at equal ratios.
func logSteps(from, to float64, n int) ([]float64, error) {
	if n < 1 {
		return nil, fmt.Errorf("exact: %d steps, want 1 or more", n)
	}
	sigmas := make([]float64, n+1)
	for i := range sigmas {
		sigmas[i] = from * math.Pow(to/from, float64(i)/float64(n))
	}
	return sigmas, nil
}
