package exact

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/sched"
)

// Problem is a denoiser and the solution of its probability-flow ODE.
type Problem interface {
	Denoise(ctx context.Context, denoised, x []float64, sigma float64) error
	Solve(x []float64, from, to float64) error
}

// Point is what a sampler's run of a number of steps was off by, and what it cost.
type Point struct {
	Steps int     `json:"steps"`
	Calls int     `json:"calls"`
	Error float64 `json:"error"` // of the result, root mean square
}

// Converge runs a sampler from x at noise level from, in each number of steps of
// equal length in log sigma.
func Converge(ctx context.Context, s sched.Sampler, p Problem, x []float64, from, to float64, steps ...int) ([]Point, error) {
	want := append([]float64(nil), x...)
	if err := p.Solve(want, from, to); err != nil {
		return nil, err
	}
	points := make([]Point, len(steps))
	for k, n := range steps {
		sigmas, err := logSteps(from, to, n)
		if err != nil {
			return nil, err
		}
		got := append([]float64(nil), x...)
		calls := 0
		err = s.F64(ctx, &sched.Run[float64]{X: got, Sigmas: sigmas,
			Denoise: func(ctx context.Context, denoised, x []float64, sigma float64) error {
				calls++
				return p.Denoise(ctx, denoised, x, sigma)
			}})
		if err != nil {
			return nil, fmt.Errorf("exact: %s in %d steps: %w", s.Name, n, err)
		}
		sum := 0.0
		for i, v := range want {
			sum += (got[i] - v) * (got[i] - v)
		}
		points[k] = Point{n, calls, math.Sqrt(sum / float64(len(x)))}
	}
	return points, nil
}

// Order is the slope of the line through the points, of log error against log
// steps, with its sign turned: by which power of the step the error falls.
func Order(points []Point) float64 {
	var sx, sy, sxx, sxy float64
	for _, p := range points {
		x, y := math.Log(float64(p.Steps)), math.Log(p.Error)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(points))
	return -(n*sxy - sx*sy) / (n*sxx - sx*sx)
}
