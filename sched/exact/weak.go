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
	r, err := g.respond(ctx, s, sigmas)
	if err != nil {
		return Point{}, err
	}
	from, to := sigmas[0], sigmas[len(sigmas)-1]
	sum := 0.0
	for i, mean := range g.Mean {
		c := g.Deviation[i]
		variance := r.start[i] * r.start[i] * (c*c + from*from)
		for _, d := range r.draws {
			variance += d[i] * d[i]
		}
		shift := r.rest[i] + r.start[i]*mean - mean
		width := math.Sqrt(variance) - math.Hypot(c, to)
		sum += shift*shift + width*width
	}
	return Point{len(sigmas) - 1, r.calls, math.Sqrt(sum / float64(2*len(g.Mean)))}, nil
}

// response is the affine function that a run is: its result without a start and
// noise, and what a unit of the start and of each draw adds to it.
type response struct {
	rest, start []float64
	draws       [][]float64
	calls       int
}

func (g Gaussian) respond(ctx context.Context, s sched.Sampler, sigmas []float64) (*response, error) {
	r, draws := &response{}, &impulse{}
	run := func(first float64, at int) ([]float64, error) {
		x := make([]float64, len(g.Mean))
		for i := range x {
			x[i] = first
		}
		r.calls, *draws = 0, impulse{at: at}
		err := s.F64(ctx, &sched.Run[float64]{X: x, Sigmas: sigmas, Noise: draws,
			Denoise: func(ctx context.Context, denoised, x []float64, sigma float64) error {
				r.calls++
				return g.Denoise(ctx, denoised, x, sigma)
			}})
		return x, err
	}
	beyond := func(y []float64) []float64 {
		for i := range y {
			y[i] -= r.rest[i]
		}
		return y
	}
	var err error
	if r.rest, err = run(0, -1); err != nil {
		return nil, err
	}
	count := draws.drawn
	unit, err := run(1, -1)
	if err != nil {
		return nil, err
	}
	r.start = beyond(unit)
	for at := range count {
		y, err := run(0, at)
		if err != nil {
			return nil, err
		}
		r.draws = append(r.draws, beyond(y))
	}
	return r, nil
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
